// Asks for /state.json each second and shows it. Every text is set as text, never as markup: labels may say anything.
'use strict'

const WORDS = {
  en: {
    other: 'Bahasa Indonesia', lanes: 'Lanes, since the start', items: 'Last items', none: 'Nothing yet.', astray: 'astray',
    away: ['No answer', 'The station does not answer. Look at its power and network; what is shown below is old.'],
    state: {
      starting: ['Starting', 'Camera and model are being opened.'],
      ready: ['Ready', 'Waiting for the first item.'],
      running: ['Sorting', ''],
      paused: ['Paused', 'Outputs are off. Go on at the machine or from this page.'],
      fault: ['Fault', 'Outputs are off, and it tries again by itself. See below what to do.'],
      'e-stop': ['Emergency stop', 'Outputs are off. Clear the danger, unlock the emergency stop, then press reset.'],
    },
    elsewhere: 'Outputs are off. Go on at the machine or by a command from afar.',
    command: {
      pause: 'Pause', resume: 'Resume', trigger: 'Item is here', 'lane-test': 'Move', snapshot: 'Camera',
      reload: 'Reload settings',
    },
    confirm: {
      'lane-test': 'Are all hands out of the machine? This moves: ',
      reload: 'The station starts anew with its configuration as it is now: what is on its way is lost, what lies in the machine ' +
        'is not seen, and no button is heard for some seconds. Go on?',
    },
    close: 'Close',
    sending: 'Sending…', unheard: 'Not confirmed. Use the button at the machine.', reply: {},
    reason: {
      confident: '', unsure: 'not sure', unknown: 'not known', late: 'decided too late', 'no-read': 'nothing read or seen',
      'several-labels': 'several labels', disagree: 'contradicts itself', 'too-close': 'too close to another item',
      override: 'chosen by a person', fault: 'the machine stood',
    },
    outcome: { diverted: '', passed: '', missed: 'missed its lane', unconfirmed: 'its lane saw nothing', lost: 'lost' },
    way: 'on its way', sure: 'sure', pace: 'items a minute', outbox: 'events wait for the broker', broker: ['broker connected', 'no broker'],
    disk: 'the disk takes no events', clock: 'clock not set', up: 'up', since: 'since', units: ['d', 'h', 'min'],
  },
  id: {
    other: 'English', lanes: 'Jalur, sejak dinyalakan', items: 'Barang terakhir', none: 'Belum ada.',
    astray: 'lokasi tidak diketahui',
    away: ['Tidak ada jawaban', 'Stasiun tidak menjawab. Periksa daya dan jaringannya; data di bawah bukan data terbaru.'],
    state: {
      starting: ['Sedang disiapkan', 'Kamera dan model sedang dibuka.'],
      ready: ['Siap', 'Menunggu barang pertama.'],
      running: ['Memilah', ''],
      paused: ['Dijeda', 'Penggerak dimatikan. Lanjutkan dari mesin atau dari halaman ini.'],
      fault: ['Gangguan', 'Penggerak dimatikan, dan mesin mencoba lagi sendiri. Lihat petunjuk di bawah.'],
      'e-stop': ['Henti darurat', 'Penggerak dimatikan. Atasi bahayanya, buka kunci tombol darurat, lalu tekan reset.'],
    },
    elsewhere: 'Penggerak dimatikan. Lanjutkan dari mesin atau dengan perintah jarak jauh.',
    command: {
      pause: 'Jeda', resume: 'Lanjutkan', trigger: 'Ada barang', 'lane-test': 'Gerakkan', snapshot: 'Foto kamera',
      reload: 'Muat ulang pengaturan',
    },
    confirm: {
      'lane-test': 'Pastikan tidak ada tangan di dalam mesin. Yang akan bergerak: ',
      reload: 'Stasiun mulai ulang dengan pengaturan terbaru: barang yang masih berjalan tidak dilacak lagi, barang di ' +
        'dalam mesin tidak terdeteksi, dan tombol tidak berfungsi selama beberapa detik. Lanjutkan?',
    },
    close: 'Tutup',
    sending: 'Mengirim…', unheard: 'Belum ada kepastian. Pakai tombol di mesin.',
    reply: {
      'paused': 'dijeda',
      'resumed': 'dilanjutkan',
      'triggered': 'barang diterima',
      'triggered, too close to the item before: it runs to the exception lane':
        'barang diterima, tetapi terlalu dekat dengan barang sebelumnya: masuk ke jalur pengecualian',
      'no item was taken: the machine is busy; trigger again once there is room':
        'barang tidak diterima: mesin sedang sibuk; tekan lagi setelah ada tempat',
      'paused: it will stand once it can start': 'dijeda: mesin tetap berhenti setelah selesai disiapkan',
      'the station cannot start; its incident says why': 'stasiun tidak dapat disiapkan; lihat petunjuk di atas',
      'the machine stands': 'mesin berhenti',
      'no longer paused, but the machine stands': 'jeda selesai, tetapi mesin berhenti',
      'its camera has shown nothing yet': 'kamera belum memberi gambar',
      'it is paused': 'mesin sedang dijeda',
      'its camera is lost': 'kamera terputus',
      'its emergency stop was not reset': 'henti darurat belum direset',
      'a lane is moved by hand only while the machine is paused; pause it first':
        'jalur hanya dapat digerakkan selama mesin dijeda; tekan Jeda dulu',
      'a lane is moving; try again once it is at rest': 'sebuah jalur sedang bergerak; coba lagi setelah berhenti',
      'nothing moves for this lane: items run there by themselves':
        'tidak ada yang bergerak untuk jalur ini: barang masuk ke sana dengan sendirinya',
      'broken off: all outputs are off': 'dihentikan: semua penggerak dimatikan',
      'did not move; the machine was too busy, or another of its exclusive group was not at rest':
        'tidak bergerak; mesin terlalu sibuk, atau penggerak lain di kelompoknya belum berhenti',
      'cut off at its longest on-time': 'dimatikan karena melewati batas waktu nyala',
      'gpio.driver is "none", which moves nothing': 'tidak ada yang bergerak; hubungi teknisi (gpio.driver adalah "none")',
      'begun; its last move comes later than an answer is waited for':
        'sudah dimulai; gerakan terakhirnya lebih lama daripada waktu tunggu jawaban',
      'it was stopped at the machine: press its start button': 'dihentikan langsung di mesin: tekan tombol start di mesin',
      'it is being read already': 'pengaturan sedang dibaca',
      'the station starts anew; try again': 'stasiun sedang mulai ulang; coba lagi',
      'starting anew with the configuration as it is now': 'mulai ulang dengan pengaturan terbaru',
      'nothing has changed': 'tidak ada yang berubah',
      'the station is busy or stopping; try again': 'stasiun sibuk atau sedang berhenti; coba lagi',
      'no answer in time; look at the station\'s status': 'belum ada jawaban sampai batas waktu; lihat keadaan stasiun',
    },
    move: { on: (ms) => `menyala selama ${ms} ms`, turned: (angle, ms) => `ke ${angle} derajat selama ${ms} ms` },
    reason: {
      confident: '', unsure: 'tidak yakin', unknown: 'tidak dikenal', late: 'keputusan terlambat',
      'no-read': 'tidak ada yang terbaca atau terlihat', 'several-labels': 'beberapa label',
      disagree: 'hasil baca saling bertentangan', 'too-close': 'terlalu dekat dengan barang lain',
      override: 'dipilih petugas', fault: 'mesin sedang berhenti',
    },
    outcome: {
      diverted: '', passed: '', missed: 'tidak masuk ke jalurnya', unconfirmed: 'tidak terdeteksi di jalurnya',
      lost: 'tidak terlacak',
    },
    way: 'masih dalam perjalanan', sure: 'yakin', pace: 'barang per menit', outbox: 'data belum terkirim ke broker',
    broker: ['broker tersambung', 'broker tidak tersambung'], disk: 'data tidak dapat disimpan ke disk',
    clock: 'jam belum disetel', up: 'aktif selama', since: 'sejak', units: ['hari', 'jam', 'mnt'],
  },
}
const COLOURS = { starting: 'hold', ready: 'go', running: 'go', paused: 'hold', fault: 'stop', 'e-stop': 'stop' }
const EVERY_MS = 1000
const PATIENCE_MS = { look: 4000, command: 12000, reply: 10000 }

const at = (id) => document.getElementById(id)
let language = kept('language') ?? (/^(id|ms|jv|su)/.test(navigator.language) ? 'id' : 'en')
let last = null
let away = true
const underWay = new Set()

/** What this browser remembers, where it may remember anything. */
function kept(key) {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** As fetch, given up after some time. */
async function ask(path, patience, options = {}) {
  const control = new AbortController()
  const timer = setTimeout(() => control.abort(), patience)
  try {
    const answer = await fetch(path, { ...options, signal: control.signal })
    const isPicture = answer.headers.get('Content-Type') === 'image/jpeg'
    return isPicture ? { picture: await answer.blob() } : await answer.json()
  } finally {
    clearTimeout(timer)
  }
}

/** An element with a text and a class. */
function make(tag, text = '', kind = '') {
  const element = document.createElement(tag)
  element.textContent = text
  if (kind) element.className = kind
  return element
}

function put(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text
}

/** Shows a list. What is told as before keeps its element: nothing is loaded or read out again, and no press is lost. */
function list(id, things, show) {
  const box = at(id)
  const before = box.shown ?? new Map()
  box.shown = new Map()
  const elements = things.map((thing) => {
    const key = JSON.stringify([language, thing])
    const element = before.get(key) ?? show(thing)
    box.shown.set(key, element)
    return element
  })
  const same = elements.length === box.children.length && elements.every((element, n) => box.children[n] === element)
  if (!same) box.replaceChildren(...elements)
}

/** The time of day, and the day where it is not this one. */
function clock(time) {
  const [then, now] = [new Date(time), new Date()]
  const day = then.toDateString() === now.toDateString() ? '' : `${then.toLocaleDateString(language)} `
  return day + then.toLocaleTimeString(language)
}

function duration(seconds) {
  const [d, h, min] = WORDS[language].units
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  if (hours >= 48) return `${Math.floor(hours / 24)} ${d}`
  return hours ? `${hours} ${h} ${minutes} ${min}` : `${minutes} ${min}`
}

function head() {
  const words = WORDS[language]
  const state = away ? null : last.health.state
  const [word, hint] = state ? words.state[state] ?? [state, ''] : words.away
  put('word', word)
  // A pause is ended from here where there is the button.
  put('hint', state === 'paused' && !last.commands.includes('resume') ? words.elsewhere : hint)
  at('state').className = COLOURS[state] ?? 'waiting'
  put('language', words.other)
}

function incident({ text, since }) {
  const article = make('article')
  article.append(make('p', text[language]), make('small', `${WORDS[language].since} ${clock(since)}`))
  return article
}

function lane({ lane, exception, items, most, test }) {
  const line = make('li', lane, exception ? 'exception' : '')
  const share = make('progress')
  share.max = Math.max(most, 1)
  share.value = items
  line.prepend(make('b', items))
  line.append(share)
  if (test) line.append(button('lane-test', lane))
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
  image.alt = ''
  image.src = source
  let tries = 5
  image.addEventListener('error', () => tries-- > 0 && setTimeout(() => { image.src = source }, EVERY_MS))
  return image
}

function item(seen) {
  const words = WORDS[language]
  const wrong = seen.outcome && words.outcome[seen.outcome]
  const line = make('li', '', wrong ? 'wrong' : seen.reason === 'confident' ? '' : 'apart')
  const name = seen.name?.[language] ?? seen.class ?? readings(seen.readings)
  const why = words.reason[seen.reason] ?? seen.reason
  const about = make('div')
  about.append(make('strong', name || why || '?'))
  about.append(make('small', `→ ${seen.actual_lane ?? seen.target_lane}${seen.outcome ? '' : ` (${words.way})`}`))
  if (why && name) about.append(make('small', why))
  if (wrong) about.append(make('small', wrong))
  if (seen.reason === 'confident' && seen.advice) about.append(make('small', seen.advice[language]))
  const sure = seen.confidence > 0 ? `, ${Math.round(seen.confidence * 100)}% ${words.sure}` : ''
  about.append(make('small', clock(seen.time) + sure))
  line.append(seen.picture ? picture(`/pictures/${seen.picture}.jpg`) : make('div', '', 'none'), about)
  return line
}

function button(name, lane = '') {
  const { command: words, confirm: questions } = WORDS[language]
  const button = make('button', words[name], name)
  button.type = 'button'
  button.addEventListener('click', () => {
    if (!questions[name] || confirm(questions[name] + lane)) command(name, lane)
  })
  return button
}

/** What can be asked now; a pause always can, and is ended wherever one may hold. */
function allow() {
  const state = last.health.state
  const useful = {
    // Also while it is paused: it ends what moves by hand.
    pause: true,
    resume: state !== 'running' && state !== 'ready',
    trigger: state === 'running' || state === 'ready',
    snapshot: state !== 'fault',
    'lane-test': state === 'paused',
    reload: true,
  }
  for (const button of document.querySelectorAll('#buttons button, #lanes button')) {
    const name = button.className
    button.disabled = away || underWay.has(name) || !useful[name]
  }
}

/** A line of a reply in the page's language, as far as it is known; what stands behind a colon is a sentence of its own. */
function translated(line) {
  const { reply: known, move } = WORDS[language]
  const [before, after] = line.split(/: (.*)/)
  const [, on] = after?.match(/^on for (\d+) ms$/) ?? []
  const [, angle, turned] = after?.match(/^to (\S+) degrees for (\d+) ms$/) ?? []
  if (move && on) return `${before}: ${move.on(on)}`
  if (move && turned) return `${before}: ${move.turned(angle, turned)}`
  return known[line] ?? (after && (known[before] || known[after]) ? `${known[before] ?? before}: ${known[after] ?? after}` : line)
}

let silence = null
/** Shows a reply. What went wrong stays until the next one: it takes longer to read. */
function say(text, ok = true) {
  put('reply', text.split('\n').map(translated).join('\n'))
  clearTimeout(silence)
  if (ok) silence = setTimeout(() => put('reply', ''), PATIENCE_MS.reply)
}

async function command(name, lane) {
  underWay.add(name)
  allow()
  say(WORDS[language].sending)
  const options = { method: 'POST', headers: { 'X-Pilah-Command': name } }
  const path = lane ? `${name}/${encodeURIComponent(lane)}` : name
  const unheard = { ok: false, text: WORDS[language].unheard }
  const { ok, text, picture } = await ask(`/commands/${path}`, PATIENCE_MS.command, options).catch(() => unheard)
  underWay.delete(name)
  allow()
  say(text ?? '', ok)
  if (picture) enlarge(picture)
}

/** Shows what the camera saw. Nothing lies over the buttons: they are wanted at any time. */
function enlarge(picture) {
  const image = make('img')
  image.alt = ''
  image.src = URL.createObjectURL(picture)
  image.addEventListener('load', () => URL.revokeObjectURL(image.src))
  const close = make('button', WORDS[language].close)
  close.type = 'button'
  close.addEventListener('click', () => at('snapshot').replaceChildren())
  at('snapshot').replaceChildren(image, close)
}

function show(now) {
  const words = WORDS[language]
  const { health } = now
  const { gauges } = health
  document.documentElement.lang = language
  document.title = `${now.site}/${now.station} – pilah`
  put('station', `${now.site} / ${now.station}`)
  for (const title of document.querySelectorAll('[data-word]')) title.textContent = words[title.dataset.word]
  list('incidents', now.incidents, incident)
  list('buttons', now.commands.filter((name) => name !== 'lane-test'), (name) => button(name))
  const lanes = now.astray ? [...now.lanes, { lane: words.astray, items: now.astray, exception: true }] : now.lanes
  const most = Math.max(...lanes.map(({ items }) => items))
  const tests = now.commands.includes('lane-test') && health.state === 'paused'
  list('lanes', lanes.map((one) => ({ ...one, most, test: tests && one.moves })), lane)
  allow()
  list('items', now.items.length ? now.items : [null], (seen) => seen ? item(seen) : make('li', words.none))
  const parts = [
    `pilah ${now.version}`, now.model, `${words.up} ${duration(health.uptime_s)}`,
    words.broker[gauges.broker_connected ? 0 : 1],
  ]
  if (health.per_minute.items) parts.splice(2, 0, `${Math.round(health.per_minute.items)} ${words.pace}`)
  if (gauges.outbox) parts.push(`${gauges.outbox} ${words.outbox}`)
  if (gauges.store_failing) parts.push(words.disk)
  if (!health.clock_synchronized) parts.push(words.clock)
  if (health.temperature_c !== null) parts.push(`${Math.round(health.temperature_c)} °C`)
  put('health', parts.join(' · '))
}

function refresh() {
  head()
  if (last) show(last)
}

async function look() {
  let now = null
  try {
    now = await ask('/state.json', PATIENCE_MS.look)
  } catch {
    // Shown as away.
  }
  setTimeout(look, EVERY_MS)
  // Another version may have another page.
  if (now && last && now.version !== last.version) location.reload()
  away = !now
  last = now ?? last
  refresh()
}

at('language').addEventListener('click', () => {
  language = language === 'en' ? 'id' : 'en'
  try {
    localStorage.setItem('language', language)
  } catch {
    // It is asked for again next time.
  }
  refresh()
})

look()
