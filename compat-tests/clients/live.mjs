// Two PouchDBs in live replication with the server edit, delete and conflict at
// random, a third writer does so on the server itself, and the server is killed
// and restarted twice meanwhile. Then all of them, and a PouchDB that pulls
// afresh, must agree on every leaf and byte, and every write that the server
// acknowledged must be there.
//
// Parameters: {url, dir, seed, operations, bytes}

import path from 'node:path'
import PouchDB from 'pouchdb'
import { check, checkpoint, parameters, run, say, timed } from './lib/driver.mjs'
import { compare, differentLeaves } from './lib/compare.mjs'
import { Couch } from './lib/couch.mjs'
import { Editor } from './lib/editor.mjs'
import { attachments } from './lib/files.mjs'
import { write } from './lib/history.mjs'
import { packages } from './lib/packages.mjs'
import { Random } from './lib/random.mjs'
import { pouch, server } from './lib/replica.mjs'
import { Writer } from './lib/writer.mjs'

const shared = 200 // documents that all may edit
const agreement = 60e3 // milliseconds that the replicas have to agree

// PouchDB 9 asks for the server's sequence after every batch and leaves an error
// of that unhandled: only a failed connection is expected there.
process.on('unhandledRejection', reason => {
  if (reason?.name !== 'FetchError' || reason.type !== 'system') throw reason
})

run(async () => {
  const { url, dir, seed, operations, bytes } = parameters()
  const random = new Random(seed)
  const files = attachments(random, bytes)
  const database = `${url}/live`
  const couch = new Couch(database)
  await couch.create()

  const open = name => new PouchDB(path.join(dir, name))
  const first = open('first')
  const second = open('second')
  await write(first, await packages(shared))
  const syncs = [first, second].map(db => live(db, database))
  const editors = [first, second].map((db, i) => new Editor(db, files, new Random(seed + 1 + i)))
  const writer = new Writer(couch, files, new Random(seed + 3))

  const workers = [...editors, writer]
  const third = Math.ceil(operations / 3)
  await timed('first third', () => work(workers, third))
  for (const name of ['kill 1', 'kill 2']) {
    await timed(`${name} and a third of the edits`, () => Promise.all([work(workers, third), checkpoint(name)]))
  }
  const replicas = [pouch('the first PouchDB', first, true), pouch('the second PouchDB', second, true), server('the server', database)]
  await timed('agreed', () => agree(replicas, syncs))
  await Promise.all(syncs.map(stop))

  const late = open('late')
  await timed('pulled into a third PouchDB', () => late.replicate.from(database))
  const counts = await timed('compared', () => compare([...replicas, pouch('the third PouchDB', late, true)]))
  say(`${counts.documents} documents, ${counts.leaves} leaves (${counts.deleted} deleted), ${counts.attachments} attachments of ${(counts.bytes / 1e6).toFixed(1)} MB`)
  editors.forEach((e, i) => say(`PouchDB ${i + 1}: ${JSON.stringify(e.done)}`))
  say(`on the server: ${JSON.stringify(writer.done)}, ${writer.acknowledged.length} acknowledged`)
  check(counts.leaves > counts.documents, 'no conflict was made')
  check(writer.done.failed > 0, 'no write met the killed server')
  await writer.checkAcknowledged()
})

// live starts a live replication both ways that tries again when it fails.
function live (db, database) {
  const sync = db.sync(database, { live: true, retry: true, back_off_function: delay => Math.min(delay * 2 || 50, 500) })
  sync.problems = []
  sync.on('denied', doc => sync.problems.push(`denied: ${JSON.stringify(doc)}`))
  sync.on('error', error => sync.problems.push(`ended: ${error.stack ?? JSON.stringify(error)}`))
  return sync
}

async function stop (sync) {
  const ended = new Promise(resolve => sync.on('complete', resolve))
  sync.cancel()
  await ended
}

// work lets every worker do its operations, one after the other, beside the others'.
function work (workers, operations) {
  return Promise.all(workers.map(async worker => {
    for (let i = 0; i < operations; i++) await worker.step()
  }))
}

// agree waits until all replicas have the same leaves.
async function agree (replicas, syncs) {
  const deadline = Date.now() + agreement
  for (;;) {
    const { different } = await differentLeaves(replicas)
    const problems = syncs.flatMap(s => s.problems)
    check(problems.length === 0, `the live replication failed:\n${problems.join('\n')}`)
    if (different.length === 0) return
    check(Date.now() < deadline, `no agreement after ${agreement / 1000} s, ${different.length} documents differ:\n${different.slice(0, 5).join('\n')}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
