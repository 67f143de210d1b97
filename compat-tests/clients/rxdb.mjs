// Two RxDB databases replicate live with the server through RxDB's plugin
// replication-couchdb, while both and a plain writer on the server insert and
// edit, also the same documents, and the server is killed meanwhile; then they
// delete, too. Then one of them stops, the server restarts, and it goes on from its
// checkpoint. At each stage both must hold what the server holds, no edit may be
// lost, and the server must have every revision that it has acknowledged.
//
// Two things the plugin cannot do, with any server, and so they are not asked of it:
//   - Until its first longpoll has been answered it asks for what comes from now on,
//     after a failure again: what was written in between it never sees.
//   - It cannot repeat the push of a deletion whose answer was lost: it takes every
//     row of _all_docs for one with a document, and that of a tombstone has none.
//
// Parameters: {url, seed, operations}

import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRxDatabase } from 'rxdb'
import { getFetchWithCouchDBAuthorization, replicateCouchDB } from 'rxdb/plugins/replication-couchdb'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { check, checkpoint, parameters, run, say, timed } from './lib/driver.mjs'
import { Couch } from './lib/couch.mjs'
import { eventually, same } from './lib/expect.mjs'
import { Random } from './lib/random.mjs'

const agreement = 60e3 // milliseconds that the replicas have to agree
const batchSize = 30

const schema = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 100 },
    edits: { type: 'object', additionalProperties: { type: 'integer' } } // by whom, how many
  }
}

// The document with the higher count of each editor wins that count, so that a
// lost edit shows.
const conflictHandler = {
  isEqual: (a, b) => a._deleted === b._deleted && isDeepStrictEqual(a.edits, b.edits),
  resolve: ({ newDocumentState: mine, realMasterState: theirs }) => {
    const edits = { ...theirs.edits }
    for (const [name, n] of Object.entries(mine.edits ?? {})) edits[name] = Math.max(n, edits[name] ?? 0)
    return { ...theirs, edits }
  }
}

run(async () => {
  const { url, seed, operations } = parameters()
  const random = new Random(seed)
  const couch = new Couch(`${url}/rxdb`)
  await couch.create()
  await couch.json('POST', '/_bulk_docs', { json: { docs: Array.from({ length: 100 }, (_, i) => ({ _id: `shared ${i}`, edits: { server: 1 } })) } })

  const peers = await Promise.all(['first', 'second'].map(name => Peer.open(name, `${url}/rxdb`)))
  await timed('pulled', () => agree(couch, peers), count)
  await timed('listening', () => listening(couch, peers), n => `after ${n} edits`)
  await timed('edited over a kill', async () => {
    await Promise.all([...peers.map(peer => peer.work(operations, random)), checkpoint('kill')])
  })
  await timed('agreed', () => agree(couch, peers), count)
  await timed('removed', async () => {
    await Promise.all(peers.map(peer => peer.work(operations, random, true)))
    await agree(couch, peers)
  })
  await timed('conflicts', () => conflicts(couch, peers), n => `${n} documents, each edited on three sides at once`)
  await timed('resumed', () => resume(couch, peers), text => text)
  for (const peer of peers) say(`${peer.name}: ${JSON.stringify(peer.done)}, ${peer.failed} requests met no server`)
  check(peers.some(peer => peer.failed > 0), 'no request met the killed server')
  for (const peer of peers) await peer.checkCounts(couch)
})

// Peer is one RxDB database with one collection.
class Peer {
  done = { insert: 0, edit: 0, remove: 0 }
  failed = 0
  counts = new Map() // how often this one edited a document that nobody deletes
  asked = [] // parameters of its requests to _changes
  acknowledged = {} // revisions, by document

  static async open (name, url) {
    const peer = new Peer()
    const { username, password, origin, pathname } = new URL(url)
    const database = await createRxDatabase({ name, storage: getRxStorageMemory(), multiInstance: false })
    const { docs } = await database.addCollections({ docs: { schema, conflictHandler } })
    const send = getFetchWithCouchDBAuthorization(username, password)
    Object.assign(peer, { name, docs, url: `${origin}${pathname}/`, fetch: (...args) => peer.#send(send, ...args) })
    peer.replicate()
    return peer
  }

  async #send (send, url, options) {
    if (url.includes('/_changes?')) this.asked.push(new URL(url).searchParams)
    try {
      const response = await send(url, options)
      if (url.includes('/_bulk_docs?')) await this.#note(response.clone())
      return response
    } catch (error) {
      this.failed++
      throw error
    }
  }

  async #note (response) {
    for (const { ok, id, rev } of await response.json()) {
      if (ok) (this.acknowledged[id] ??= []).push(rev)
    }
  }

  // replicate starts the live replication, at the checkpoint of the one before.
  replicate () {
    this.replication = replicateCouchDB({
      replicationIdentifier: 'with the server',
      collection: this.docs,
      url: this.url,
      fetch: this.fetch,
      live: true,
      waitForLeadership: false,
      retryTime: 200,
      pull: { batchSize, heartbeat: 1000 },
      push: { batchSize }
    })
    this.errors = []
    this.replication.error$.subscribe(error => { if (!noServer(error)) this.errors.push(error) })
  }

  // work does random operations, some on documents that all share.
  async work (operations, random, removing = false) {
    for (let i = 0; i < operations; i++) {
      await sleep(random.int(10))
      const own = `${this.name} ${random.int(operations)}`
      const doc = await this.docs.findOne(own).exec()
      if (random.chance(0.5)) await this.edit(`shared ${random.int(100)}`)
      else if (!doc) await this.#insert(own)
      else if (removing && random.chance(0.5)) await this.#remove(doc)
      else await this.edit(own)
    }
  }

  async #insert (id) {
    await this.docs.insert({ id, edits: { [this.name]: 1 } })
    this.done.insert++
  }

  async #remove (doc) {
    await doc.remove()
    this.done.remove++
  }

  async edit (id) {
    const doc = await this.docs.findOne(id).exec()
    await doc.incrementalModify(data => ({ ...data, edits: { ...data.edits, [this.name]: (data.edits[this.name] ?? 0) + 1 } }))
    if (id.startsWith('shared')) this.counts.set(id, (this.counts.get(id) ?? 0) + 1)
    this.done.edit++
  }

  async content () {
    const docs = await this.docs.find().exec()
    return byId(docs.map(doc => doc.toJSON()))
  }

  // checkCounts wants the server to have what it has acknowledged, and every edit of a
  // shared document to have arrived there.
  async checkCounts (couch) {
    same(await couch.json('POST', '/_revs_diff', { json: this.acknowledged }), {}, `what the server has acknowledged to the ${this.name}, and lost`)
    const stored = await content(couch)
    for (const [id, n] of this.counts) same(stored[id].edits[this.name], n, `${this.name}'s edits of ${id}`)
  }
}

// noServer says whether a replication's error is a failed connection: all that
// may go wrong while the server is down.
function noServer (error) {
  return /fetch failed|terminated|ECONN|socket/i.test(JSON.stringify(error.parameters ?? {}))
}

function byId (docs) {
  return Object.fromEntries(docs.map(doc => [doc.id, doc]).sort(([a], [b]) => a < b ? -1 : 1))
}

// content is what the server holds, in RxDB's form.
async function content (couch) {
  const { rows } = await couch.json('GET', '/_all_docs', { query: { include_docs: true } })
  return byId(rows.map(({ doc: { _id, _rev, ...doc } }) => ({ id: _id, ...doc })))
}

// agree waits until the peers hold what the server holds, and returns it.
async function agree (couch, peers) {
  let stored
  await eventually(agreement, async () => {
    stored = await content(couch)
    for (const { name, errors } of peers) check(errors.length === 0, `${name}: ${errors[0]?.stack} ${JSON.stringify(errors[0]?.parameters)}`)
    for (const peer of peers) {
      const own = await peer.content()
      if (isDeepStrictEqual(own, stored)) continue
      const ids = Object.keys({ ...own, ...stored }).filter(id => !isDeepStrictEqual(own[id], stored[id]))
      return `${peer.name} and the server differ in ${ids.length} documents, as ${JSON.stringify(own[ids[0]])} and ${JSON.stringify(stored[ids[0]])}`
    }
  })
  return stored
}

// listening edits a document on the server until both peers' longpolls have told them
// of that, and returns how often.
async function listening (couch, peers) {
  let rev
  let n = 0
  await eventually(agreement, async () => {
    const written = await couch.json('PUT', '/heard', { json: { _rev: rev, edits: { server: ++n } } })
    rev = written.rev
    const deaf = peers.filter(({ asked }) => !asked.some(p => p.get('feed') === 'longpoll' && p.get('since') !== 'now'))
    if (deaf.length > 0) return `${deaf.map(({ name }) => name)} has heard nothing`
  })
  return n
}

function count (stored) {
  return `${Object.keys(stored).length} documents`
}

// conflicts lets both peers and the server edit the same documents before any
// hears of another; then all three edits must be in every replica.
async function conflicts (couch, peers) {
  const ids = Array.from({ length: 40 }, (_, i) => `shared ${i}`)
  await Promise.all(peers.map(peer => peer.replication.cancel()))
  const before = await content(couch)
  for (const peer of peers) for (const id of ids) await peer.edit(id)
  const { rows } = await couch.json('POST', '/_all_docs', { json: { keys: ids }, query: { include_docs: true } })
  const docs = rows.map(({ doc }) => ({ ...doc, edits: { ...doc.edits, server: doc.edits.server + 1 } }))
  const written = await couch.json('POST', '/_bulk_docs', { json: { docs } })
  check(written.every(row => row.ok), `edits on the server: ${JSON.stringify(written)}`)
  peers.forEach(peer => peer.replicate())
  const after = await agree(couch, peers)
  for (const id of ids) {
    for (const name of ['server', 'first', 'second']) {
      same(after[id].edits[name], (before[id].edits[name] ?? 0) + 1, `${name}'s edits of ${id}`)
    }
  }
  return ids.length
}

// resume stops a peer's replication, changes something on every side, has the
// server killed and started again, and starts the replication anew: it must ask
// for what came after its checkpoint and get no more than that.
async function resume (couch, peers) {
  const [peer, other] = peers
  await peer.replication.awaitInSync()
  await peer.replication.cancel()
  const { update_seq: seq } = await couch.info()
  await other.edit('shared 1')
  await other.docs.insert({ id: 'while the first was away', edits: {} })
  await couch.json('PUT', '/on%20the%20server', { json: { edits: { server: 1 } } })
  const { rows: [{ value: { rev } }] } = await couch.json('GET', '/_all_docs', { query: { key: '"shared 99"' } })
  await couch.json('DELETE', '/shared%2099', { query: { rev } })
  await peer.edit('shared 2')
  peers.forEach(p => p.counts.delete('shared 99'))
  await checkpoint('restart')
  peer.asked = []
  peer.replicate()
  const stored = await agree(couch, peers)
  check(stored['on the server'] && stored['while the first was away'] && !stored['shared 99'], 'what was done meanwhile is not there')
  const since = peer.asked.find(p => p.get('feed') === 'normal').get('since')
  check(parseInt(since) > 0, `the replication started again from ${since}`)
  return `from ${parseInt(since)}, after the stop at ${parseInt(seq)}`
}
