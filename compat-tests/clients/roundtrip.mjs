// Pushes Debian's package index and files of this machine from one PouchDB to
// the server, pulls them into another, changes some there, pushes back, and
// compares the three at both stages.
//
// Parameters: {url, dir, seed, documents, bytes}

import path from 'node:path'
import PouchDB from 'pouchdb'
import { check, parameters, run, say, timed } from './lib/driver.mjs'
import { compare } from './lib/compare.mjs'
import { Couch } from './lib/couch.mjs'
import { attachments } from './lib/files.mjs'
import { load, write } from './lib/history.mjs'
import { packages } from './lib/packages.mjs'
import { Random } from './lib/random.mjs'
import { pouch, server } from './lib/replica.mjs'

run(async () => {
  const { url, dir, seed, documents, bytes } = parameters()
  const random = new Random(seed)
  const docs = await packages(documents)
  const files = attachments(random, bytes)
  const total = files.reduce((sum, f) => sum + f.data.length, 0)
  const types = new Set(files.map(f => f.content_type))
  say(`${docs.length} packages, ${files.length} files of ${types.size} content types, ${(total / 1e6).toFixed(1)} MB`)
  check(docs.length >= Math.min(documents, 5000), `the package index has only ${docs.length} packages`)

  const database = `${url}/packages`
  const first = new PouchDB(path.join(dir, 'first'))
  const second = new PouchDB(path.join(dir, 'second'))
  const fetched = { attachments: 0 }
  const remote = new PouchDB(database, { fetch: counting(fetched) })
  const replicas = pulled => [pouch('the first PouchDB', first, pulled), server('the server', database), pouch('the second PouchDB', second, true)]

  await timed('loaded', () => load(first, docs, files, random))
  await timed('pushed', () => moved(first.replicate.to(remote)), rate)
  await timed('pulled', () => moved(second.replicate.from(remote)), rate)
  await timed('compared', () => compare(replicas(false)), counts)

  await timed('changed', () => changeSome(second, files, random))
  await timed('pushed back', () => moved(second.replicate.to(remote)), rate)
  fetched.attachments = 0
  await timed('pulled back', () => moved(first.replicate.from(remote)), rate)
  check(fetched.attachments === 1, `the pull fetched ${fetched.attachments} attachments; only one is new to the first PouchDB`)
  const found = await timed('compared', () => compare(replicas(true)), counts)

  await checkInfo(new Couch(database), found, await first.info())
  const again = await first.replicate.to(remote)
  check(again.docs_written === 0, `a push of what is there wrote ${again.docs_written} documents`)
})

// counting is PouchDB's fetch and counts the attachments it is asked for.
function counting (fetched) {
  return (url, options = {}) => {
    const { pathname } = new URL(url)
    if ((options.method ?? 'GET') === 'GET' && pathname.split('/').length > 3 && !pathname.includes('/_')) fetched.attachments++
    return PouchDB.fetch(url, options)
  }
}

// moved waits for a replication and wants every document read to be written.
async function moved (replication) {
  const result = await replication
  check(result.ok && result.doc_write_failures === 0 && result.docs_read === result.docs_written, `replication: ${JSON.stringify(result)}`)
  return result
}

function rate (result, seconds) {
  return `${result.docs_written} revisions, ${Math.round(result.docs_written / seconds)} a second`
}

function counts (c) {
  return `${c.documents} documents, ${c.leaves} leaves (${c.deleted} deleted), ${c.attachments} attachments of ${(c.bytes / 1e6).toFixed(1)} MB`
}

// changeSome edits, deletes and adds documents, among them every second one
// that has attachments.
async function changeSome (db, files, random) {
  const { rows } = await db.allDocs({ include_docs: true })
  const chosen = rows.map(row => row.doc).filter(doc => random.chance(doc._attachments ? 0.5 : 0.05))
  await write(db, chosen.map((doc, i) => {
    if (i % 10 === 0) return { _id: doc._id, _rev: doc._rev, _deleted: true }
    return { ...doc, edited: 'by the second PouchDB' }
  }))
  await write(db, Array.from({ length: 50 }, (_, i) => ({ _id: `note ${i} ünïcødé`, text: random.hex(200) })))
  const { name, content_type: type, data } = random.pick(files)
  await db.putAttachment('a document made by its attachment', name, data, type)
}

// checkInfo wants the server's counts to be PouchDB's.
async function checkInfo (couch, found, local) {
  const info = await couch.info()
  check(info.doc_count === local.doc_count, `the server counts ${info.doc_count} documents, PouchDB ${local.doc_count}`)
  check(info.doc_count + info.doc_del_count === found.documents, `the server counts ${info.doc_count} documents and ${info.doc_del_count} deleted ones of ${found.documents}`)
}
