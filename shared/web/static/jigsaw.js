// Every page works without this file. It wakes GOV.UK Frontend's components and the lists that grow by themselves.
import { initAll } from './vendor/govuk-frontend/govuk-frontend.min.js'
import { grow } from './live.js'

document.body.classList.add('js-enabled', 'govuk-frontend-supported') // a browser that runs modules is supported
initAll()
document.querySelectorAll('[data-live]').forEach(grow)
