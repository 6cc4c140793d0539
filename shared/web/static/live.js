// A list that grows from an event stream. Each message is one HTML element: a known id replaces, a new one goes to the top,
// one with data-gone takes the element of its id away, and one with data-changed only ever replaces. The stream begins after the event named by ?after=, or by the
// browser's Last-Event-ID, which wins.
//
// What arrives while somebody works in the list (or has scrolled past its top) waits behind a button, so that nothing moves
// under their hands. Announcements are gathered, so that a burst is read out as one sentence.

const GATHER = 1500
const FIRST_RETRY = 2000
const LAST_RETRY = 60000

export function grow (root) {
  const list = root.querySelector('[data-live-list]')
  const more = root.querySelector('[data-live-more]')
  const voice = root.querySelector('[data-live-announce]')
  const waiting = new Map()
  let source = null
  let last = ''
  let failures = 0
  let unsaid = []

  function connect () {
    const address = new URL(root.dataset.live, location.href)
    if (last) address.searchParams.set('after', last)
    source = new EventSource(address)
    source.onopen = () => { failures = 0; show('on') }
    source.onmessage = message => { last = message.lastEventId || last; arrive(message.data) }
    source.onerror = () => {
      show(failures < 3 ? 'lost' : 'off')
      // After a broken connection the browser tries again by itself, with Last-Event-ID; after an error answer we must.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, Math.min(LAST_RETRY, FIRST_RETRY * 2 ** failures++))
    }
  }

  function arrive (html) {
    const template = document.createElement('template')
    template.innerHTML = html.trim()
    const element = template.content.firstElementChild
    if (!element) return
    if ('gone' in element.dataset) return leave(element)
    if ('changed' in element.dataset && !known(element) && !waiting.has(element.id)) return
    if (!known(element)) announce(element.dataset.announce)
    if (mustWait(element)) waiting.set(element.id, element)
    else put(element)
    count()
  }

  const known = element => list.querySelector(`#${CSS.escape(element.id)}`)

  function mustWait (element) {
    const old = known(element)
    if (old) return old.contains(document.activeElement)
    return list.contains(document.activeElement) || list.getBoundingClientRect().top < 0
  }

  function put (element) {
    waiting.delete(element.id)
    element.classList.add('live__new')
    const old = known(element)
    if (old) old.replaceWith(element)
    else list.prepend(element)
  }

  function leave (element) {
    waiting.delete(element.id)
    const old = known(element)
    if (old && !old.contains(document.activeElement)) old.remove()
    else if (old) old.dataset.gone = ''
    count()
  }

  function count () {
    more.hidden = waiting.size === 0
    more.textContent = more.dataset.liveMore.replace('{count}', waiting.size)
  }

  more.addEventListener('click', () => {
    waiting.forEach(put)
    count()
    list.querySelector('a, button')?.focus()
  })

  function announce (sentence) {
    unsaid.push(sentence)
    if (unsaid.length > 1) return
    setTimeout(() => {
      const many = voice.dataset.liveAnnounce.replace('{count}', unsaid.length)
      voice.textContent = unsaid.length === 1 ? unsaid[0] || many : many
      unsaid = []
    }, GATHER)
  }

  function show (state) {
    root.querySelectorAll('[data-live-state]').forEach(part => { part.hidden = part.dataset.liveState !== state })
  }

  addEventListener('pagehide', () => source.close())
  addEventListener('pageshow', event => { if (event.persisted) connect() })
  connect()
}
