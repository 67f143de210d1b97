// follow (its fork cloudant-follow) follows a database in three ways while two
// writers create, edit and delete and the server is killed twice: from the
// beginning and from now by a continuous feed, and from the beginning by longpoll.
// Each must see every change once and in order. At last the database is deleted.
//
// Parameters: {url, seed, operations}

import follow from 'cloudant-follow'
import { check, checkpoint, parameters, run, say, timed } from './lib/driver.mjs'
import { Couch } from './lib/couch.mjs'
import { eventually, same } from './lib/expect.mjs'
import { Random } from './lib/random.mjs'
import { Writer } from './lib/writer.mjs'

const arrival = 60e3 // milliseconds until the last change must have come
const heartbeat = 500

run(async () => {
  const { url, seed, operations } = parameters()
  const random = new Random(seed)
  const database = `${url}/followed`
  const couch = new Couch(database)
  await couch.create()
  const files = [{ name: 'a file', content_type: 'text/plain', data: random.bytes(1000) }]
  const writers = [1, 2].map(n => new Writer(couch, files, new Random(seed + n)))
  await timed('written before', () => work(writers, operations))

  const earlier = writers.map(w => w.acknowledged.length)
  const followers = [
    await Follower.start('from the beginning', { db: database, since: 0 }),
    await Follower.start('from now', { db: database, since: 'now' }),
    await Follower.start('by longpoll', { db: database, since: 0, feed: 'longpoll' })
  ]
  for (const name of ['kill 1', 'kill 2']) {
    await timed(`written over ${name}`, () => Promise.all([work(writers, operations), checkpoint(name)]))
  }
  await timed('caught up', () => caughtUp(couch, followers))
  const [first, now] = followers
  await timed('heartbeats', () => idle([first, now]), () => `${first.heartbeats} and ${now.heartbeats}`)
  const { rows } = await couch.json('GET', '/_all_docs')
  const later = writers.flatMap((w, i) => w.acknowledged.slice(earlier[i]))
  const all = [...rows, ...writers.flatMap(w => w.acknowledged)]
  await timed('compared', async () => {
    for (const f of followers) await compare(couch, f, new Set((f === now ? later : all).map(({ id }) => id)))
  })
  for (const f of followers) say(`${f.name}: ${f.rows.length} changes, ${f.queries} requests`)
  say(writers.map(w => JSON.stringify(w.done)).join(', '))
  check(writers.some(w => w.done.failed > 0), 'no write met the killed server')
  for (const writer of writers) await writer.checkAcknowledged()
  check(followers.every(f => f.queries > 2), 'a follower did not meet the killed server')

  await timed('database deleted', () => deleted(couch, followers))
})

// Follower is one feed and what came by it.
class Follower {
  rows = []
  heartbeats = 0
  queries = 0
  error = undefined // what ended it

  // start resolves once the feed's first request is answered.
  static async start (name, options) {
    const f = new Follower()
    const feed = new follow.Feed({ heartbeat, initial_retry_delay: 50, max_retry_seconds: 0.2, ...options })
    feed.on('change', row => f.rows.push(row))
    feed.on('heartbeat', () => f.heartbeats++)
    feed.on('query', () => f.queries++)
    feed.on('error', error => { f.error = error })
    Object.assign(f, { name, feed })
    const answered = new Promise((resolve, reject) => feed.once('response', resolve).once('error', reject))
    feed.follow()
    await answered
    return f
  }
}

function work (writers, operations) {
  return Promise.all(writers.map(async writer => {
    for (let i = 0; i < operations; i++) await writer.step()
  }))
}

async function caughtUp (couch, followers) {
  const { last_seq: last } = await couch.json('GET', '/_changes', { query: { limit: 0, since: 'now' } })
  await eventually(arrival, () => {
    for (const { name, rows, error } of followers) {
      check(!error, `${name}: ${error?.stack}`)
      const seen = rows.at(-1)?.seq
      if (seen !== last) return `the feed ${name} is at ${seen}, the database at ${last}`
    }
  })
}

// idle waits for two heartbeats on each feed while nothing changes. By longpoll
// follow does not look for them.
async function idle (followers) {
  for (const f of followers) f.heartbeats = 0
  await eventually(arrival, () => {
    const silent = followers.find(f => f.heartbeats < 2)
    return silent && `no heartbeat ${silent.name}`
  })
}

// compare wants rising sequences without a repetition, a row of each of the ids,
// and the last row of every document to show its winner.
async function compare (couch, { name, rows }, ids) {
  const numbers = rows.map(row => parseInt(row.seq))
  check(numbers.every((n, i) => i === 0 || n > numbers[i - 1]), `the feed ${name} is not in order`)
  const last = new Map(rows.map(row => [row.id, row]))
  same([...ids].filter(id => !last.has(id)), [], `documents that the feed ${name} misses`)
  const winners = await couch.json('POST', '/_all_docs', { json: { keys: [...last.keys()] } })
  for (const { id, value: { rev, deleted } } of winners.rows) {
    const { changes, deleted: gone } = last.get(id)
    same([changes, gone], [[{ rev }], deleted], `the last row of ${id} ${name}`)
  }
}

// deleted deletes the database and wants every feed to end with that news.
async function deleted (couch, followers) {
  await couch.json('DELETE', '')
  await eventually(arrival, () => {
    const alive = followers.find(f => !f.error)
    return alive && `the feed ${alive.name} goes on`
  })
  for (const { name, error } of followers) check(error.deleted, `the feed ${name} ended with ${error.stack}`)
}
