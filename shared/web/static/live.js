// A list that grows from an event stream. Each message is one HTML element: a known id replaces, a new one goes to the top.
// What arrives while somebody works in the list (or has scrolled past its top) waits behind a button, so nothing moves under
// their hands. Announcements are gathered, so that a burst is read out as one sentence.

const GATHER = 1500
const SLOWEST = 60000

export function grow (root) {
  const list = root.querySelector('[data-live-list]')
  const more = root.querySelector('[data-live-more]')
  const voice = root.querySelector('[data-live-announce]')
  const waiting = new Map()
  let last = ''
  let failures = 0
  let unsaid = []
  let timer = null

  function connect () {
    const address = new URL(root.dataset.live, location.href)
    if (last) address.searchParams.set('last-event-id', last)
    const source = new EventSource(address)
    source.onopen = () => { failures = 0; show('on') }
    source.onmessage = message => { last = message.lastEventId || last; arrive(message.data) }
    source.onerror = () => {
      show(failures < 3 ? 'lost' : 'off')
      if (source.readyState !== EventSource.CLOSED) return // the browser tries again by itself, with Last-Event-ID
      setTimeout(connect, Math.min(SLOWEST, 2000 * 2 ** failures++))
    }
    addEventListener('pagehide', () => source.close(), { once: true })
  }

  function arrive (html) {
    const template = document.createElement('template')
    template.innerHTML = html.trim()
    const element = template.content.firstElementChild
    if (!element) return
    const known = list.querySelector(`#${CSS.escape(element.id)}`)
    if (known) {
      if (!known.contains(document.activeElement)) known.replaceWith(element)
    } else if (busy()) {
      waiting.set(element.id, element)
      count()
    } else {
      put(element)
    }
    if (!known) announce(element.dataset.announce)
  }

  function put (element) {
    element.classList.add('live__new')
    list.prepend(element)
    const empty = root.querySelector('.live__empty')
    if (empty) empty.remove()
  }

  const busy = () => list.contains(document.activeElement) || list.getBoundingClientRect().top < 0

  function count () {
    more.hidden = waiting.size === 0
    more.textContent = more.dataset.liveMore.replace('{count}', waiting.size)
  }

  more.addEventListener('click', () => {
    waiting.forEach(put)
    waiting.clear()
    count()
    const first = list.querySelector('a, button')
    if (first) first.focus()
  })

  function announce (sentence) {
    unsaid.push(sentence)
    timer ??= setTimeout(() => {
      voice.textContent = unsaid.length === 1 && unsaid[0]
        ? unsaid[0]
        : voice.dataset.liveAnnounce.replace('{count}', unsaid.length)
      unsaid = []
      timer = null
    }, GATHER)
  }

  function show (state) {
    root.querySelectorAll('[data-live-state]').forEach(part => { part.hidden = part.dataset.liveState !== state })
  }

  connect()
}
