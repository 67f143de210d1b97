// PouchDB with the server's database in place of a local one: what it does there
// beside replication, and that the answers are those of a local PouchDB where both
// must agree.
//
// Parameters: {url, dir, seed}

import path from 'node:path'
import PouchDB from 'pouchdb'
import { check, parameters, run, say, timed } from './lib/driver.mjs'
import { bytesOf, eventually, rejects, same } from './lib/expect.mjs'
import { ids } from './lib/ids.mjs'
import { Random } from './lib/random.mjs'

const v1 = '1-7a7e4b29f3af401e69b6f86e4c26b727' // of {"v":1}

run(async () => {
  const { url, dir, seed } = parameters()
  const requests = {} // by method and kind of path
  const fetch = (url, options = {}) => {
    const [, , first = '', second] = new URL(url).pathname.split('/')
    const kind = `${options.method ?? 'GET'} ${first.startsWith('_') ? first : first && (second ? 'attachment' : 'document')}`.trim()
    requests[kind] = (requests[kind] ?? 0) + 1
    return PouchDB.fetch(url, options)
  }
  const random = new Random(seed)
  for (const part of [documents, strangeIds, revisions, bulkGet, revsDiff, local, attachments, compact, cleanup, feed]) {
    const name = part.name.toLowerCase()
    const db = new PouchDB(`${url}/${name}`, { fetch })
    await timed(name, () => part(db, random, path.join(dir, name)))
    await db.destroy()
    const none = await rejects(404, () => new PouchDB(`${url}/${name}`, { skip_setup: true }).get('a'))
    same(none.reason, 'Database does not exist.', 'reason')
  }
  say(`requests: ${JSON.stringify(requests)}`)
})

async function documents (db) {
  same(await db.put({ _id: 'a', v: 1 }), { ok: true, id: 'a', rev: v1 }, 'put')
  same((await rejects(409, () => db.put({ _id: 'a', v: 1 }))).name, 'conflict', 'name of the error')
  const { rev } = await db.put({ _id: 'a', _rev: v1, v: 2 })
  const posted = await db.post({ v: 1 })
  same(posted.rev, v1, 'posted')
  same((await rejects(404, () => db.get('none'))).reason, 'missing', 'reason')
  await db.remove('a', rev)
  same((await rejects(404, () => db.get('a'))).reason, 'deleted', 'reason')
  const rows = await db.bulkDocs([{ _id: 'b' }, { _id: posted.id }, { _id: 'c', _deleted: true }])
  same(rows.map(row => row.ok ?? row.name), [true, 'conflict', true], 'bulkDocs')
  const list = await db.allDocs({ keys: ['c', 'none', 'b'], include_docs: true })
  same(list.rows.map(row => row.error ?? row.value.deleted ?? row.doc._id), [true, 'not_found', 'b'], 'allDocs')
  const info = await db.info()
  same([info.db_name, info.doc_count, info.doc_del_count, parseInt(info.update_seq)], ['documents', 2, 2, 6], 'info')
}

// strangeIds writes a document of every id, reads, lists, edits and deletes it.
async function strangeIds (db) {
  for (const id of ids) {
    const { rev } = await db.put({ _id: id, v: 1 })
    same([rev, await db.get(id)], [v1, { _id: id, _rev: v1, v: 1 }], id)
    const attached = await db.putAttachment(id, id, rev, Buffer.from(id), 'text/plain')
    same(String(await db.getAttachment(id, id)), id, `attachment of ${id}`)
    await db.removeAttachment(id, id, attached.rev)
  }
  const { rows } = await db.allDocs()
  same(rows.map(row => row.id).sort(), ids.toSorted(), 'the ids listed')
  same((await db.allDocs({ keys: ids })).rows.map(row => row.id), ids, 'the ids listed by key')
  same((await db.changes()).results.map(row => row.id), ids, 'the ids in the changes')
  for (const id of ids) same((await db.allDocs({ key: id })).rows.map(row => row.id), [id], `${id} by key`)
  for (const { id, value } of rows) await db.remove(id, value.rev)
  same((await db.info()).doc_count, 0, 'documents left')
}

// revisions makes the same tree on the server and locally and reads it by every option.
async function revisions (db, random, dir) {
  const other = new PouchDB(dir)
  const branch = (ids, more) => ({ _id: 'd', _rev: `${ids.length}-${ids[0]}`, _revisions: { start: ids.length, ids }, ...more })
  const [root, a, b, c] = Array.from({ length: 4 }, () => random.hex(32))
  const docs = [branch([a, root], { v: 'a' }), branch([b, root], { v: 'b' }), branch([c, b, root], { v: 'c' }), branch([random.hex(32), a, root], { v: 'gone', _deleted: true })]
  for (const each of [db, other]) await each.bulkDocs(docs, { new_edits: false })
  for (const options of [{}, { revs: true }, { conflicts: true }, { rev: `2-${a}` }, { rev: `3-${c}`, revs: true }]) {
    same(await db.get('d', options), await other.get('d', options), JSON.stringify(options))
  }
  const leaves = async each => (await each.get('d', { open_revs: 'all' })).map(row => row.ok._rev).sort()
  same(await leaves(db), await leaves(other), 'leaves')
  await other.destroy()
}

async function bulkGet (db) {
  await db.bulkDocs([{ _id: 'a', _revisions: { start: 2, ids: ['a2', 'a1'] }, v: 2 }, { _id: 'a', _revisions: { start: 2, ids: ['b2', 'a1'] }, v: 3 }, { _id: 'b', _rev: '1-b', v: 1 }, { _id: 'c', _revisions: { start: 2, ids: ['c2', 'c1'] }, _deleted: true }], { new_edits: false })
  const [a, b] = [{ _id: 'a', _rev: '2-a2', v: 2 }, { _id: 'a', _rev: '2-b2', v: 3 }]
  const gone = { _id: 'c', _rev: '2-c2', _deleted: true }
  const missing = (id, rev) => ({ error: { rev, reason: 'missing', id, error: 'not_found' } })
  const asks = [
    [{ docs: [{ id: 'a' }] }, [{ id: 'a', docs: [{ ok: a }, { ok: b }] }]],
    [{ docs: [{ id: 'a', rev: '2-b2' }, { id: 'a', rev: '2-a2' }] }, [{ id: 'a', docs: [{ ok: b }] }, { id: 'a', docs: [{ ok: a }] }]],
    [{ docs: [{ id: 'a', rev: '9-z' }, { id: 'none' }, { id: 'c' }] }, [{ id: 'a', docs: [missing('a', '9-z')] }, { id: 'none', docs: [missing('none', 'undefined')] }, { id: 'c', docs: [{ ok: gone }] }]],
    [{ docs: [{ id: 'c', rev: '2-c2' }], revs: true }, [{ id: 'c', docs: [{ ok: { ...gone, _revisions: { start: 2, ids: ['c2', 'c1'] } } }] }]],
    [{ docs: [{ id: 'a', rev: '1-a1' }], latest: true }, [{ id: 'a', docs: [{ ok: a }, { ok: b }] }]],
    [{ docs: [{ id: 'b', rev: 'bad' }] }, [{ id: 'b', docs: [{ error: { rev: 'bad', reason: 'Invalid rev format', id: 'b', error: 'bad_request' } }] }]],
    [{ docs: [] }, []]
  ]
  for (const [ask, want] of asks) same((await db.bulkGet(ask)).results, want, JSON.stringify(ask))
}

async function revsDiff (db, random) {
  await db.bulkDocs([{ _id: 'd', _revisions: { start: 3, ids: ['c', 'b', 'a'] } }, { _id: 'd', _revisions: { start: 2, ids: ['x', 'a'] } }], { new_edits: false })
  same(await db.revsDiff({ d: ['3-c', '2-b', '1-a', '2-x'] }), {}, 'known revisions')
  same(await db.revsDiff({ d: ['4-q', '3-c', '2-z'] }), { d: { missing: ['2-z', '4-q'], possible_ancestors: ['3-c', '2-x'] } }, 'missing revisions')
  same(await db.revsDiff({ new: ['2-b', '1-a'] }), { new: { missing: ['2-b', '1-a'] } }, 'a missing document')
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i} ${random.hex(8)}`, [`1-${random.hex(32)}`]]))
  same(Object.keys(await db.revsDiff(many)).sort(), Object.keys(many).sort(), '5,000 missing documents')
}

async function local (db) {
  same(await db.put({ _id: '_local/a', v: 1 }), { ok: true, id: '_local/a', rev: '0-1' }, 'put')
  same((await db.put({ _id: '_local/a', _rev: '0-1', v: 2 })).rev, '0-2', 'edited')
  same(await db.get('_local/a'), { _id: '_local/a', _rev: '0-2', v: 2 }, 'got')
  for (const id of ids.filter(id => id.length < 100)) {
    await db.put({ _id: `_local/${id}`, v: id })
    same((await db.get(`_local/${id}`)).v, id, id)
  }
  await db.remove('_local/a', '0-2')
  same((await rejects(404, () => db.get('_local/a'))).reason, 'missing', 'reason')
  same([(await db.allDocs()).rows, (await db.changes()).results], [[], []], 'local documents in lists')
}

async function attachments (db, random) {
  const data = { empty: Buffer.alloc(0), small: random.bytes(100), large: random.bytes(6e6) }
  const inline = Object.fromEntries(Object.entries(data).map(([name, data]) => [name, { content_type: 'application/octet-stream', data }]))
  await db.put({ _id: 'a', _attachments: inline })
  const streamed = await db.get('a')
  for (const name of Object.keys(data)) {
    same(streamed._attachments[name].length, data[name].length, `length of ${name}`)
    check((await db.getAttachment('a', name)).equals(data[name]), name)
  }
  const whole = await db.get('a', { attachments: true, binary: true })
  for (const name of Object.keys(data)) check(whole._attachments[name].data.equals(data[name]), `${name} with the document`)
  const { docs: [row] } = (await db.bulkGet({ docs: [{ id: 'a' }], attachments: true })).results[0]
  check(Buffer.from(row.ok._attachments.large.data, 'base64').equals(data.large), 'large by bulkGet')
  const response = await db.fetch('a/large', { headers: new Headers({ Range: 'bytes=1000000-1000099' }) })
  same([response.status, response.headers.get('content-range')], [206, 'bytes 1000000-1000099/6000000'], 'range')
  check((await bytesOf(response.body)).equals(data.large.subarray(1e6, 1e6 + 100)), 'the bytes of the range')
}

// compact wants old bodies readable before and gone after, and leaves kept.
async function compact (db) {
  const revs = []
  for (let i = 0; i < 50; i++) revs.push((await db.put({ _id: 'a', _rev: revs.at(-1), i })).rev)
  await db.bulkDocs([{ _id: 'a', _rev: '2-conflict', i: 'conflict' }], { new_edits: false })
  same((await db.get('a', { rev: revs[0] })).i, 0, 'the first revision')
  same(await db.compact(), { ok: true }, 'compact')
  same((await rejects(404, () => db.get('a', { rev: revs[0] }))).reason, 'missing', 'reason')
  same((await db.get('a', { conflicts: true }))._conflicts, ['2-conflict'], 'conflicts')
  same((await db.get('a', { rev: '2-conflict' })).i, 'conflict', 'the other leaf')
  const info = (await db.get('a', { revs_info: true }))._revs_info
  same(info.map(row => row.status), ['available', ...Array(49).fill('missing')], 'status of the revisions')
}

async function cleanup (db) {
  await db.put({ _id: '_design/x', views: {} })
  same(await db.viewCleanup(), { ok: true }, 'viewCleanup')
  same((await db.get('_design/x')).views, {}, 'the design document')
}

// feed listens live with a short heartbeat while documents are written.
async function feed (db) {
  const seen = []
  const changes = db.changes({ since: 'now', live: true, include_docs: true, heartbeat: 200 })
  const ended = new Promise((resolve, reject) => changes.on('complete', resolve).on('error', reject))
  changes.on('change', row => seen.push(row.doc.n))
  let probes = 0
  await eventually(60e3, async () => { // until it listens
    await db.put({ _id: `probe ${probes++}` })
    if (seen.length === 0) return 'no change seen'
  })
  await new Promise(resolve => setTimeout(resolve, 700)) // over some heartbeats
  for (let n = 0; n < 20; n++) await db.put({ _id: String(n), n })
  const numbers = () => seen.filter(n => n !== undefined) // the probes have none
  await eventually(60e3, () => numbers().length < 20 ? `${numbers().length} changes seen` : undefined)
  same(numbers(), Array.from({ length: 20 }, (_, n) => n), 'changes seen live')
  changes.cancel()
  await ended
}
