// Asks for /state.json each second and shows it. Every text is set as text, never as markup: labels may say anything.
'use strict'

const WORDS = {
  en: {
    other: 'Bahasa', lanes: 'Lanes', items: 'Last items', none: 'Nothing yet.', lost: 'lost',
    away: ['No answer', 'The station does not answer. Look at its power and network; what is shown below is old.'],
    state: {
      starting: ['Starting', 'Camera and model are being opened.'],
      ready: ['Ready', 'Waiting for the first item.'],
      running: ['Sorting', ''],
      paused: ['Paused', 'Outputs are off. Press start or resume to go on.'],
      fault: ['Fault', 'Outputs are off, and it tries again by itself. Below stands what to do.'],
      'e-stop': ['Emergency stop', 'Outputs are off. Unlock the emergency stop, then press reset.'],
    },
    command: { pause: 'Pause', resume: 'Resume', trigger: 'Item is here' },
    reason: {
      confident: '', unsure: 'not sure', unknown: 'not known', late: 'decided too late', 'no-read': 'nothing read or seen',
      'several-labels': 'several labels', disagree: 'contradicts itself', 'too-close': 'too close to another item',
      override: 'chosen by a person', fault: 'the machine stood',
    },
    outcome: {
      diverted: '', passed: '', missed: 'missed its lane', unconfirmed: 'its lane saw nothing', lost: 'lost',
    },
    way: 'on its way', sure: 'sure', outbox: 'events wait for the broker', broker: ['broker connected', 'no broker'],
    disk: 'the disk takes no events', up: 'up', since: 'since',
  },
  id: {
    other: 'English', lanes: 'Jalur', items: 'Barang terakhir', none: 'Belum ada.', lost: 'hilang',
    away: ['Tidak ada jawaban', 'Stasiun tidak menjawab. Periksa daya dan jaringannya; yang tampil di bawah sudah lama.'],
    state: {
      starting: ['Memulai', 'Kamera dan model sedang dibuka.'],
      ready: ['Siap', 'Menunggu barang pertama.'],
      running: ['Memilah', ''],
      paused: ['Dijeda', 'Keluaran mati. Tekan mulai atau lanjutkan untuk jalan lagi.'],
      fault: ['Gangguan', 'Keluaran mati, dan mesin mencoba lagi sendiri. Yang harus dilakukan ada di bawah.'],
      'e-stop': ['Henti darurat', 'Keluaran mati. Lepaskan tombol henti darurat, lalu tekan reset.'],
    },
    command: { pause: 'Jeda', resume: 'Lanjutkan', trigger: 'Barang sudah di sini' },
    reason: {
      confident: '', unsure: 'tidak yakin', unknown: 'tidak dikenal', late: 'keputusan terlambat',
      'no-read': 'tidak ada yang terbaca atau terlihat', 'several-labels': 'beberapa label', disagree: 'saling bertentangan',
      'too-close': 'terlalu dekat dengan barang lain', override: 'dipilih orang', fault: 'mesin sedang berhenti',
    },
    outcome: {
      diverted: '', passed: '', missed: 'melewati jalurnya', unconfirmed: 'tidak terlihat di jalurnya', lost: 'hilang',
    },
    way: 'masih di jalan', sure: 'yakin', outbox: 'kejadian menunggu broker', broker: ['broker tersambung', 'tanpa broker'],
    disk: 'disk tidak menerima kejadian', up: 'menyala', since: 'sejak',
  },
}
const COLOURS = { starting: 'hold', ready: 'go', running: 'go', paused: 'hold', fault: 'stop', 'e-stop': 'stop' }
const EVERY_MS = 1000
const PATIENCE_MS = 4000

const at = (id) => document.getElementById(id)
let language = localStorage.getItem('language') ?? (/^(id|ms|jv|su)/.test(navigator.language) ? 'id' : 'en')
let last = null

/** An element with a text and a class. */
function make(tag, text = '', kind = '') {
  const element = document.createElement(tag)
  element.textContent = text
  if (kind) element.className = kind
  return element
}

/** Replaces what an element holds, but only where that differs: a screen reader speaks each change. */
function fill(id, children) {
  const held = at(id)
  const fresh = make('div')
  fresh.append(...children)
  if (held.innerHTML !== fresh.innerHTML) held.replaceChildren(...fresh.childNodes)
}

function put(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text
}

const clock = (time) => new Date(time).toLocaleTimeString(language)

function duration(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours >= 48 ? `${Math.floor(hours / 24)} d` : hours ? `${hours} h ${minutes} min` : `${minutes} min`
}

function head(state) {
  const words = WORDS[language]
  const [word, hint] = state ? words.state[state] : words.away
  put('word', word)
  put('hint', hint)
  at('state').className = state ? COLOURS[state] : 'waiting'
  put('language', words.other)
}

function incident({ text, since }) {
  const article = make('article')
  article.append(make('p', text[language]), make('small', `${WORDS[language].since} ${clock(since)}`))
  return article
}

function lane({ lane, exception, items }, most) {
  const line = make('li', lane, exception ? 'exception' : '')
  const share = make('progress')
  share.setAttribute('value', items)
  share.setAttribute('max', Math.max(most, 1))
  line.prepend(make('b', items))
  line.append(share)
  return line
}

/** What was read off a label, in one line. */
function readings(read) {
  if (!read) return ''
  const { postal_code: code, regency, province, awb } = read
  return [code, regency, province, awb].filter(Boolean).map(({ value }) => value).join(' · ')
}

/** A kept picture. It comes on disk a moment after its item's decision, so that it may not be there at once. */
function picture(source) {
  const image = make('img')
  image.setAttribute('src', source)
  image.setAttribute('alt', '')
  let tries = 5
  image.addEventListener('error', () => tries-- > 0 && setTimeout(() => { image.src = source }, EVERY_MS))
  return image
}

function item(seen) {
  const words = WORDS[language]
  const wrong = seen.outcome && words.outcome[seen.outcome]
  const line = make('li', '', wrong ? 'wrong' : seen.reason === 'confident' ? '' : 'apart')
  const shown = seen.picture ? picture(`/pictures/${seen.picture}.jpg`) : make('div', '', 'none')
  const name = seen.name?.[language] ?? seen.class ?? readings(seen.readings)
  const why = words.reason[seen.reason]
  const about = make('div')
  about.append(make('strong', name || why || '?'))
  about.append(make('small', `→ ${seen.actual_lane ?? seen.target_lane}${seen.outcome ? '' : ` (${words.way})`}`))
  if (why && name) about.append(make('small', why))
  if (wrong) about.append(make('small', wrong))
  if (seen.reason === 'confident' && seen.advice) about.append(make('small', seen.advice[language]))
  const sure = seen.confidence > 0 ? `, ${Math.round(seen.confidence * 100)}% ${words.sure}` : ''
  about.append(make('small', clock(seen.time) + sure))
  line.append(shown, about)
  return line
}

function button(name, state) {
  const button = make('button', WORDS[language].command[name], name)
  const standing = state !== 'running' && state !== 'ready'
  if ((name === 'pause' && state === 'paused') || (name === 'resume' && state !== 'paused') || (name === 'trigger' && standing)) {
    button.setAttribute('disabled', '')
  }
  button.setAttribute('type', 'button')
  button.dataset.command = name
  return button
}

function show(now) {
  const words = WORDS[language]
  const { health } = now
  const { gauges } = health
  document.documentElement.lang = language
  document.title = `${now.site}/${now.station} – pilah`
  head(health.state)
  put('station', `${now.site} / ${now.station}`)
  for (const title of document.querySelectorAll('[data-word]')) title.textContent = words[title.dataset.word]
  fill('incidents', now.incidents.map(incident))
  fill('buttons', now.commands.map((name) => button(name, health.state)))
  const most = Math.max(...now.lanes.map(({ items }) => items))
  const lanes = now.lanes.map((one) => lane(one, most))
  if (now.lost) lanes.push(lane({ lane: words.lost, items: now.lost, exception: true }, most))
  fill('lanes', lanes)
  fill('items', now.items.length ? now.items.map(item) : [make('li', words.none)])
  const parts = [
    `pilah ${now.version}`, now.model, `${words.up} ${duration(health.uptime_s)}`,
    words.broker[gauges.broker_connected ? 0 : 1],
  ]
  if (gauges.outbox) parts.push(`${gauges.outbox} ${words.outbox}`)
  if (gauges.store_failing) parts.push(words.disk)
  if (health.temperature_c !== null) parts.push(`${Math.round(health.temperature_c)} °C`)
  put('health', parts.join(' · '))
}

async function look() {
  try {
    const answer = await fetch('/state.json', { signal: AbortSignal.timeout(PATIENCE_MS) })
    if (!answer.ok) throw new Error(answer.statusText)
    last = await answer.json()
    show(last)
  } catch {
    head(null)
  }
  setTimeout(look, EVERY_MS)
}

at('buttons').addEventListener('click', async ({ target }) => {
  const name = target.dataset.command
  if (!name) return
  target.disabled = true
  try {
    const answer = await fetch(`/commands/${name}`, { method: 'POST', headers: { 'X-Pilah-Command': name } })
    const { ok, text } = await answer.json()
    put('reply', ok ? '' : text)
  } catch {
    put('reply', WORDS[language].away[0])
  }
})

at('language').addEventListener('click', () => {
  language = language === 'en' ? 'id' : 'en'
  localStorage.setItem('language', language)
  if (last) show(last)
  else head(null)
})

look()
