// nano stores Debian's packages and files of this machine and reads them back by
// every way it has.
//
// Parameters: {url, seed, documents, bytes}

import { Readable } from 'node:stream'
import Nano from 'nano'
import { check, parameters, run, say, timed } from './lib/driver.mjs'
import { bytesOf, rejects, same } from './lib/expect.mjs'
import { attachments } from './lib/files.mjs'
import { packages } from './lib/packages.mjs'
import { Random } from './lib/random.mjs'

run(async () => {
  const { url, seed, documents, bytes } = parameters()
  const random = new Random(seed)
  const docs = await packages(documents)
  const files = attachments(random, bytes).filter(f => !/[?#%+]/.test(f.name)) // nano puts a name into the URL as it is
  const nano = Nano(url)

  await timed('logged in', () => logIn(new URL(url)))
  await timed('databases', () => databases(nano))
  await nano.db.create('nano')
  const db = nano.use('nano')
  await timed('bulk', () => bulk(db, docs))
  await timed('documents', () => documentsOf(db, docs))
  await timed('lists', () => lists(db, docs))
  await timed('attachments', () => attach(db, docs, files), n => `${n} bytes in ${files.length} attachments`)
  await timed('multipart', () => multipart(db, files))
  await timed('changes', () => changes(db), n => `${n} rows`)
  await nano.db.destroy('nano')
  await rejects(404, () => nano.db.get('nano'))
  say('destroyed')
})

async function logIn ({ username, password, origin }) {
  const nano = Nano(origin)
  await rejects(401, () => nano.db.create('nano'))
  await rejects(401, () => nano.auth(username, `not ${password}`))
  await nano.auth(decodeURIComponent(username), decodeURIComponent(password))
  const { userCtx } = await nano.session()
  same(userCtx, { name: username, roles: ['_admin'] }, 'session')
  await nano.db.create('by-cookie')
  await nano.db.destroy('by-cookie')
}

async function databases (nano) {
  same((await nano.info()).couchdb, 'Welcome', 'info')
  same((await nano.uuids(3)).uuids.length, 3, 'uuids')
  const names = ['a', 'a/b+c', 'z_$()-']
  for (const name of names) await nano.db.create(name)
  same((await nano.db.list()).filter(name => names.includes(name)), names, 'list of databases')
  same((await nano.db.get('a/b+c')).db_name, 'a/b+c', 'name')
  await rejects(412, () => nano.db.create('a'))
  await rejects(400, () => nano.db.create('Capital'))
  for (const name of names) await nano.db.destroy(name)
  await rejects(404, () => nano.db.destroy('a'))
}

async function bulk (db, docs) {
  const rows = await db.bulk({ docs })
  same(rows.map(row => row.id), docs.map(doc => doc._id), 'answer to bulk')
  rows.forEach((row, i) => { docs[i]._rev = row.rev })
  const again = await db.bulk({ docs: docs.slice(0, 2).map(({ _rev, ...doc }) => doc) })
  same(again.map(row => row.error), ['conflict', 'conflict'], 'bulk of documents that are there')
  same((await db.info()).doc_count, docs.length, 'doc_count')
}

async function documentsOf (db, docs) {
  for (const doc of docs.slice(0, 50)) same(await db.get(doc._id), doc, doc._id)
  const doc = docs[0]
  same((await db.head(doc._id)).etag, `"${doc._rev}"`, 'ETag')
  const old = doc._rev
  doc.edited = true
  doc._rev = (await db.insert(doc)).rev
  same(await db.get(doc._id), doc, 'edited document')
  same((await db.get(doc._id, { rev: old })).edited, undefined, 'edited member of the older revision')
  same((await db.get(doc._id, { revs_info: true }))._revs_info.length, 2, 'revisions')
  await rejects(409, () => db.insert({ ...doc, _rev: old }))
  await rejects(409, () => db.destroy(doc._id, old))
  const named = await db.insert({ made: 'here' }, 'a name/of its own')
  same((await db.get(named.id)).made, 'here', named.id)
  same(/^[0-9a-f]{32}$/.test((await db.insert({ no: 'id' })).id), true, 'a made up id')
  await db.destroy(named.id, named.rev)
  same((await rejects(404, () => db.get(named.id))).reason, 'deleted', 'reason')
}

async function lists (db, docs) {
  const ids = docs.map(doc => doc._id)
  const all = await db.list({ include_docs: true })
  const byId = new Map(all.rows.map(row => [row.id, row.doc]))
  for (const doc of docs) same(byId.get(doc._id), doc, `${doc._id} in the list`)
  same(all.total_rows, all.rows.length, 'total_rows')
  const few = await db.list({ startkey: 'a', endkey: 'b', limit: 5, descending: false })
  check(few.rows.length === 5 && few.rows.every(row => row.id >= 'a' && row.id <= 'b'), 'rows from a to b')
  const { rows } = await db.fetch({ keys: ids.slice(0, 20) })
  same(rows.map(row => row.doc), docs.slice(0, 20), 'fetch')
  const revs = await db.fetchRevs({ keys: ids.slice(0, 3) })
  same(revs.rows.map(row => row.value.rev), docs.slice(0, 3).map(doc => doc._rev), 'fetchRevs')
  const streamed = JSON.parse(await bytesOf(db.listAsStream({ limit: 10 })))
  same(streamed.rows, (await db.list({ limit: 10 })).rows, 'list as a stream')
}

// attach puts every file on one of the documents, every second as a stream of
// unknown length, and reads all back.
async function attach (db, docs, files) {
  const holders = files.map((file, i) => ({ file, doc: docs[i % docs.length], streamed: i % 2 === 1 }))
  for (const { file, doc, streamed } of holders) {
    const body = streamed && file.data.length > 0 ? Readable.from([file.data]) : file.data
    doc._rev = (await db.attachment.insert(doc._id, file.name, body, file.content_type, { rev: doc._rev })).rev
  }
  let total = 0
  for (const { file, doc } of holders) {
    const stub = (await db.get(doc._id))._attachments[file.name]
    same([stub.content_type, stub.length], [file.content_type, file.data.length], `stub of ${file.name}`)
    const read = await bytesOf(db.attachment.getAsStream(doc._id, file.name))
    check(read.equals(file.data), `${file.name}: ${read.length} bytes are not the ${file.data.length} stored`)
    total += read.length
  }
  const { file, doc } = holders[0]
  doc._rev = (await db.attachment.destroy(doc._id, file.name, { rev: doc._rev })).rev
  await rejects(404, () => db.attachment.get(doc._id, file.name))
  return total
}

// multipart writes a document with attachments in one request and reads both
// back in one.
async function multipart (db, files) {
  const some = files.filter(f => f.content_type.startsWith('text/') && f.data.length < 1e5).slice(0, 5)
  const binary = [...files.slice(0, 2), ...files.filter(f => f.content_type.startsWith('image/')).slice(0, 5)] // an empty and a large one first
  const { rev } = await db.multipart.insert({ made: 'in one' }, [...some, ...binary], 'multipart')
  for (const file of [...some, ...binary]) {
    const read = await bytesOf(db.attachment.getAsStream('multipart', file.name, { rev }))
    check(read.equals(file.data), `${file.name} of the multipart document`)
  }
  const text = await db.multipart.get('multipart') // nano decodes it as UTF-8
  const [first, ...parts] = text.split(text.slice(0, text.indexOf('\r\n'))).slice(1, -1)
  same(JSON.parse(first.slice(first.indexOf('\r\n\r\n'))).made, 'in one', 'first part')
  const contents = new Set(parts.map(part => part.slice(part.indexOf('\r\n\r\n') + 4, -2)))
  same(parts.length, some.length + binary.length, 'parts')
  for (const file of some) check(contents.has(file.data.toString()), `${file.name} is not among the parts`)
}

// changes reads the feed in the three ways of nano's reader.
async function changes (db) {
  const rows = (await db.changes({ since: 0 })).results
  const latest = rows.at(-1).seq
  same(await readChanges(db.changesReader.get({ since: 0, batchSize: 100, timeout: 500 })), rows.map(row => row.id), 'reader.get')
  same(await readChanges(db.changesReader.spool({ since: 0, batchSize: 100 })), rows.map(row => row.id), 'reader.spool')
  same(JSON.parse(await bytesOf(db.changesAsStream({ since: 0 }))).results, rows, 'changes as a stream')
  const seen = []
  const done = new Promise((resolve, reject) => {
    const feed = db.changesReader.start({ since: latest, includeDocs: true })
    feed.on('change', row => { if (seen.push(row.doc.n) === 5) resolve() })
    feed.on('error', reject)
  })
  for (let n = 0; n < 5; n++) await db.insert({ n })
  await done
  db.changesReader.stop()
  same(seen, [0, 1, 2, 3, 4], 'changes seen live')
  return rows.length
}

function readChanges (feed) {
  return new Promise((resolve, reject) => {
    const ids = []
    feed.on('batch', batch => ids.push(...batch.map(row => row.id)))
    feed.on('end', () => resolve(ids))
    feed.on('error', reject)
  })
}
