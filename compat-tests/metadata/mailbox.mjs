// Measures how long a fresh PouchDB takes until it can list a mailbox, and how many
// bytes that moves in both directions: as a metadata replica, and as an ordinary one.
// Then messages are opened from the former, one at a time.
//
// Parameters: {url, dir, seed, messages, mbit}; the figures go to metrics.json in dir.
// mbit is how many megabits a second the line to the server carries in each direction,
// 0 or none as many as it can.

import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { check, parameters, pooled, run, say, timed } from '../clients/lib/driver.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { PouchDB } from '../clients/lib/npm.mjs'
import { Random } from '../clients/lib/random.mjs'
import { same } from '../clients/lib/expect.mjs'
import { digest } from './place.mjs'

const median = 15e3 // bytes
const sigma = 2 // of the logarithm; the mean is the median times e^(sigma²/2), 111 kB
const largest = 25e6
const width = 4 // uploads at a time
const opened = 50 // messages
const batch = 1000 // documents that PouchDB takes at once where no bodies are in them, instead of 100

run(async () => {
  const { url, dir, seed, messages, mbit = 0 } = parameters()
  const random = new Random(seed)
  const mail = new Couch(`${url}/mail`)
  await mail.create()
  const total = await timed('filled', () => fill(mail, messages, random), bytes => `${messages} messages, ${mb(bytes)}, mean ${(bytes / messages / 1e3).toFixed(0)} kB`)
  const wire = await Wire.to(url, mbit)
  const metadata = new PouchDB(path.join(dir, 'metadata'))
  const metrics = { 'MB-mail': total / 1e6 }
  Object.assign(metrics, await pull(metadata, `${wire.url}/_metadata/mail`, wire, messages, 'metadata', { batch_size: batch }))
  Object.assign(metrics, await open(metadata, `${wire.url}/mail`, random, messages))
  Object.assign(metrics, await pull(new PouchDB(path.join(dir, 'ordinary')), `${wire.url}/mail`, wire, messages, 'ordinary'))
  metrics['times-faster'] = metrics['s-ordinary'] / metrics['s-metadata']
  metrics['times-fewer-bytes'] = metrics['MB-ordinary'] / metrics['MB-metadata']
  say(JSON.stringify(metrics))
  fs.writeFileSync(path.join(dir, 'metrics.json'), JSON.stringify(metrics))
})

// sizes are the quantiles of the distribution, the largest one at its bound where
// there are enough.
function sizes (n) {
  const all = Array.from({ length: n }, (_, i) => Math.min(largest, Math.round(median * Math.exp(sigma * normalQuantile((i + 0.5) / n)))))
  if (n >= 10000) all[n - 1] = largest
  return all
}

// normalQuantile is the inverse of the normal distribution, by bisection.
function normalQuantile (p) {
  let [low, high] = [-9, 9]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (normal(middle) < p) low = middle
    else high = middle
  }
  return low
}

// normal is the normal distribution, by Simpson's rule.
function normal (x) {
  const steps = 200
  const h = Math.abs(x) / steps
  const density = t => Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI)
  let sum = density(0) + density(x)
  for (let i = 1; i < steps; i++) sum += density(i * h) * (i % 2 ? 4 : 2)
  return 0.5 + Math.sign(x) * sum * h / 3
}

const idOf = i => `message-${String(i).padStart(6, '0')}`

// fill stores the messages: what a list shows as members, the rest as an attachment.
async function fill (mail, n, random) {
  const noise = random.bytes(largest + n)
  let total = 0
  const all = sizes(n).map((size, i) => ({ size, i, order: random.int(1 << 30) })).sort((a, b) => a.order - b.order)
  await pooled(all, width, async ({ size, i }) => {
    const json = {
      from: `${random.hex(8)}@example.org`, to: ['me@example.org'], subject: `About ${random.hex(40)}`, date: new Date(1.7e12 + i * 1e6).toISOString(),
      message_id: `<${random.hex(32)}@example.org>`, size
    }
    const { rev } = await mail.json('PUT', Couch.document(idOf(i)), { json })
    await mail.json('PUT', Couch.document(idOf(i), 'message.eml'), { query: { rev }, body: noise.subarray(i, i + size), headers: { 'content-type': 'message/rfc822' } })
    total += size
  })
  return total
}

// pull replicates into an empty PouchDB and lists it.
async function pull (db, url, wire, n, name, options) {
  wire.bytes = 0
  const seconds = await timed(name, async () => {
    const start = performance.now()
    const result = await db.replicate.from(url, options)
    check(result.ok && result.docs_written === n, JSON.stringify(result))
    const { rows } = await db.allDocs({ include_docs: true })
    same([rows.length, rows.every(row => row.doc.subject)], [n, true], 'listed')
    return (performance.now() - start) / 1000
  }, () => mb(wire.bytes))
  return { [`s-${name}`]: seconds, [`MB-${name}`]: wire.bytes / 1e6 }
}

// open opens messages: the document from the replica, the content from the server.
async function open (db, url, random, n) {
  const times = []
  const mail = new Couch(url)
  for (const i of [...Array.from({ length: opened }, () => random.int(n)), n - 1]) {
    const start = performance.now()
    const { _id, attachments_meta: { 'message.eml': entry } } = await db.get(idOf(i))
    const answer = await mail.answer('GET', Couch.document(_id, 'message.eml'), { headers: { accept: '*/*' } })
    const data = Buffer.from(await answer.arrayBuffer())
    times.push(performance.now() - start)
    same([data.length, digest(data)], [entry.length, entry.digest], 'the content')
  }
  const last = times.pop()
  times.sort((a, b) => a - b)
  return { 'ms-open-median': times[opened / 2], 'ms-open-largest': last }
}

// Wire passes connections on to a server as fast as it is said to be, and counts the
// bytes of both directions.
class Wire {
  bytes = 0

  static async to (url, mbit) {
    const wire = new Wire()
    const lines = [new Line(mbit), new Line(mbit)] // there and back, of all connections
    const target = new URL(url)
    const { port, hostname } = target
    const listener = net.createServer(client => {
      const server = net.connect(Number(port), hostname)
      for (const [i, [from, to]] of [[client, server], [server, client]].entries()) {
        from.on('error', () => to.destroy())
        from.on('close', () => to.end())
        from.on('data', chunk => {
          wire.bytes += chunk.length
          const ready = to.write(chunk)
          const wait = lines[i].take(chunk.length)
          if (ready && wait < 1) return
          from.pause()
          const drained = ready ? Promise.resolve() : new Promise(resolve => to.once('drain', resolve).once('close', resolve))
          drained.then(() => setTimeout(() => from.resume(), wait))
        })
      }
    })
    await new Promise(resolve => listener.listen(0, '127.0.0.1', resolve))
    target.port = listener.address().port
    wire.url = target.href.replace(/\/$/, '')
    return wire
  }
}

// Line is a line of so many megabits a second; 0: of any speed.
class Line {
  #free = 0 // when what was taken has gone through, in milliseconds

  constructor (mbit) { this.mbit = mbit }

  // take sends bytes, and returns in how many milliseconds they are through.
  take (bytes) {
    if (!this.mbit) return 0
    this.#free = Math.max(this.#free, performance.now()) + bytes * 8 / (this.mbit * 1e3)
    return this.#free - performance.now()
  }
}

function mb (bytes) { return `${(bytes / 1e6).toFixed(1)} MB` }
