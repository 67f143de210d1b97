// PouchDB's replication in its less usual ways: by document ids, broken off and
// resumed from its checkpoint, live with a short heartbeat, with large
// attachments, unusual ids, and histories as long as are kept.
//
// Parameters: {url, dir, seed}

import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, checkpoint, parameters, run, say, timed } from './lib/driver.mjs'
import { eventually, same } from './lib/expect.mjs'
import { write } from './lib/history.mjs'
import { ids } from './lib/ids.mjs'
import { Random } from './lib/random.mjs'
import { Site } from './lib/site.mjs'

const batch = 50
const heartbeat = 300 // milliseconds
const idle = 5 * heartbeat

run(async () => {
  const { url, dir, seed } = parameters()
  const random = new Random(seed)
  const site = name => new Site(`${url}/${name}`, path.join(dir, name))
  await timed('by document ids', () => byIds(site('by-ids'), random))
  await timed('push resumed', () => resumePush(site('push'), random), told)
  await timed('pull resumed', () => resumePull(site('pull'), random), told)
  await timed('live', () => live(site('live')), told)
  await timed('large attachments', () => largeAttachments(site('large'), random), counts)
  await timed('ids', () => unusualIds(site('ids')), counts)
  await timed('long histories', () => longHistories(site('histories')), counts)
})

function told (text) { return text }

function counts (c) {
  return `${c.documents} documents, ${c.leaves} leaves, ${c.attachments} attachments of ${(c.bytes / 1e6).toFixed(1)} MB`
}

function some (n, random) {
  return Array.from({ length: n }, (_, i) => ({ _id: `doc ${String(i).padStart(4, '0')}`, text: random.hex(200) }))
}

// byIds pulls and pushes some documents of many.
async function byIds (site, random) {
  await write(site.remote, [...some(300, random), ...ids.map(_id => ({ _id }))])
  const chosen = [...ids, 'doc 0007', 'doc 0299', 'not there']
  const db = site.local('pulled')
  const pull = () => db.replicate.from(site.remote, { doc_ids: chosen })
  same((await pull()).docs_written, ids.length + 2, 'documents pulled')
  same((await db.allDocs()).rows.map(row => row.id).sort(), chosen.slice(0, -1).sort(), 'documents there')
  check(site.of('_changes').every(r => r.method === 'POST' && r.query.get('filter') === '_doc_ids'), 'requests to _changes')

  for (const id of ['doc 0007', 'doc 0008']) await site.remote.put({ ...await site.remote.get(id), edited: true })
  site.requests = []
  same((await pull()).docs_written, 1, 'documents pulled again')
  check(parseInt(site.of('_changes')[0].query.get('since')) > 0, 'the second pull did not start at the checkpoint')
  same((await db.get('doc 0007')).edited, true, 'edited')

  const docs = (await db.allDocs({ include_docs: true })).rows.map(({ doc }) => ({ ...doc, edited: 'here' }))
  await write(db, docs)
  const pushed = await db.replicate.to(site.remote, { doc_ids: ids.slice(0, 10) })
  same(pushed.docs_written, 10, 'documents pushed')
  same((await site.remote.allDocs({ keys: ids, include_docs: true })).rows.filter(row => row.doc.edited).length, 10, 'documents edited on the server')
}

// resumePush loses the answer to the fifth batch, has the server killed, and
// pushes again: it must ask for no document of the batches before, and write none
// of the fifth, which the server took.
async function resumePush (site, random) {
  const total = 500
  const db = site.local('source')
  await write(db, some(total, random))
  const push = () => db.replicate.to(site.remote, { batch_size: batch })
  site.loseAnswer('_bulk_docs', 5)
  const broken = await failed(push())
  check(broken.docs_written > 0, 'no documents written before')
  const lost = JSON.parse(site.of('_bulk_docs').at(-1).body).docs.length
  await checkpoint('kill push')
  site.requests = []
  const result = await push()
  const asked = site.of('_revs_diff').flatMap(r => Object.keys(JSON.parse(r.body))).length
  same([asked, result.docs_written], [total - broken.docs_written, total - broken.docs_written - lost], 'revisions asked for and written after')
  await site.compare(db)
  return `after ${broken.docs_written} documents and ${lost} without an answer: ${asked} asked for, ${result.docs_written} written`
}

// resumePull loses the answer with the fifth batch, has the server killed, and
// pulls again: from the sequence of the last document that it wrote.
async function resumePull (site, random) {
  const total = 500
  await write(site.remote, some(total, random))
  const db = site.local('target')
  const pull = () => db.replicate.from(site.remote, { batch_size: batch })
  site.loseAnswer('_bulk_get', 5)
  const broken = await failed(pull())
  check(broken.docs_written > 0, 'no documents written before')
  await checkpoint('kill pull')
  site.requests = []
  const result = await pull()
  const [{ query }] = site.of('_changes')
  same([parseInt(query.get('since')), result.docs_written], [broken.docs_written, total - broken.docs_written], 'since and documents written after')
  await site.compare(db)
  site.requests = []
  same((await pull()).docs_written, 0, 'documents written by a third pull')
  same(site.of('_revs_diff').length + site.of('_bulk_get').length, 0, 'requests for what is there')
  return `after ${broken.docs_written} documents: since ${parseInt(query.get('since'))}, ${result.docs_written} written`
}

// failed wants a replication to fail and returns its result until then.
async function failed (replication) {
  try {
    await replication
  } catch (error) {
    check(/the answer got lost|problem getting docs/.test(error.message), `the replication failed otherwise: ${error.stack}`)
    return error.result
  }
  throw new Error('the replication did not fail')
}

// live replicates both ways. While nothing changes the heartbeats keep one
// request open, and a change comes at once.
async function live (site) {
  const [here, there] = [site.local('here'), site.local('there')]
  const syncs = [here, there].map(db => db.sync(site.remote, { live: true, heartbeat }))
  const ended = syncs.map(sync => new Promise((resolve, reject) => sync.on('complete', resolve).on('error', reject)))
  await here.put({ _id: 'first' })
  const arrives = id => eventually(60e3, () => there.get(id).then(() => undefined, error => error.message))
  await arrives('first')
  await eventually(60e3, async () => { // until both have asked for what follows
    site.requests = []
    await sleep(idle)
    if (site.requests.length > 0) return `${site.requests.length} requests in ${idle} ms while nothing changed`
  })
  const start = performance.now()
  await here.put({ _id: 'second' })
  await arrives('second')
  const delay = performance.now() - start
  const polls = site.of('_changes')
  check(polls.length > 0 && polls.every(r => r.query.get('feed') === 'longpoll' && r.query.get('heartbeat') === String(heartbeat)), 'live requests')
  syncs.forEach(sync => sync.cancel())
  await Promise.all(ended)
  await site.compare(here, there)
  return `no request in ${idle} ms, then a change arrived after ${delay.toFixed(0)} ms`
}

async function largeAttachments (site, random) {
  const [source, target] = [site.local('source'), site.local('target')]
  for (const [i, size] of [5.5e6, 9e6].entries()) {
    const data = random.bytes(size)
    await source.put({ _id: `large ${i}`, _attachments: { 'a file': { content_type: 'application/octet-stream', data } } })
  }
  await source.replicate.to(site.remote)
  await target.replicate.from(site.remote)
  const doc = await target.get('large 1')
  await target.put({ ...doc, edited: true })
  await target.replicate.to(site.remote)
  site.requests = []
  await source.replicate.from(site.remote)
  same(site.of('a%20file').length, 0, 'attachments fetched again')
  return site.compare(source, target)
}

// unusualIds writes documents and attachments of every id here, edits and
// deletes them there, and brings all back. CouchDB takes empty parts out of a
// path, so PouchDB cannot read an attachment whose name has them.
async function unusualIds (site) {
  const [here, there] = [site.local('here'), site.local('there')]
  const readable = name => name.split('/').every(part => part !== '')
  await write(here, ids.map(_id => ({ _id, _attachments: { [readable(_id) ? _id : 'a file']: { content_type: 'text/plain', data: Buffer.from(_id) } } })))
  same((await here.replicate.to(site.remote)).docs_written, ids.length, 'documents pushed')
  same((await there.replicate.from(site.remote)).docs_written, ids.length, 'documents pulled')
  const docs = (await there.allDocs({ include_docs: true })).rows.map(row => row.doc)
  await write(there, docs.map((doc, i) => i % 3 ? { ...doc, edited: i } : { _id: doc._id, _rev: doc._rev, _deleted: true }))
  await there.sync(site.remote)
  await here.sync(site.remote)
  return site.compare(here, there)
}

// longHistories edits a document more often than revisions are kept, then in two
// branches of the same length, whose histories every replica cuts at the same
// revision, and ends one of them.
async function longHistories (site) {
  const [here, there] = [site.local('here'), site.local('there')]
  let rev
  for (let i = 0; i < 1000; i++) rev = (await here.put({ _id: 'long', _rev: rev, i })).rev
  await here.replicate.to(site.remote)
  await there.replicate.from(site.remote)
  same((await site.remote.get('long', { revs: true }))._revisions.ids.length, 1000, 'revisions on the server')
  await Promise.all([here, there].map(async (db, n) => {
    let { _rev } = await db.get('long')
    for (let i = 0; i < 30; i++) _rev = (await db.put({ _id: 'long', _rev, n, i })).rev
  }))
  for (const db of [here, there, here]) await db.sync(site.remote)
  const { _conflicts: conflicts, _revisions: revisions } = await site.remote.get('long', { conflicts: true, revs: true })
  same([conflicts.length, revisions.start, revisions.ids.length], [1, 1030, 1000], 'conflicts and revisions')
  const compared = await site.compare(here, there)
  await site.remote.remove('long', conflicts[0])
  for (const db of [here, there]) {
    await db.replicate.from(site.remote)
    same(await db.get('long', { conflicts: true }), await site.remote.get('long'), 'the document without its conflict')
  }
  return compared
}
