// nano's functions for documents, one after the other, with the answers that
// CouchDB 3.5.0 was recorded to give: revision ids, status codes, errors and reasons.
//
// Parameters: {url, seed}

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import Nano from 'nano'
import { check, parameters, run, say, timed } from './lib/driver.mjs'
import { bytesOf, rejects, same } from './lib/expect.mjs'
import { Random } from './lib/random.mjs'

const conflict = ['conflict', 'Document update conflict.']
const missing = ['not_found', 'missing']
const deleted = ['not_found', 'deleted']
const badRev = ['bad_request', 'Invalid rev format']

// The revisions of {}, {"v":1}, its edit to {"v":2}, and its deletion, and of {"v":3}
// on 2-zz.
const empty = '1-967a00dff5e02add41819138abb3284d'
const v1 = '1-7a7e4b29f3af401e69b6f86e4c26b727'
const v2 = '2-d0df861eb528e79690cd2ff3c4d394f3'
const gone = '2-d9b15b235a7d0afdfe6058d5fb8afbd1'
const v3 = '3-55b8779bebed9827d61b783912ee25ad'

const statuses = {} // answers by status

run(async () => {
  const { url, seed } = parameters()
  const nano = Nano({ url, log: ({ headers }) => count(headers?.statusCode) })
  const parts = { documents, revisions, bulk, lists, attachments, multipart, local, changes, reader }
  for (const [name, part] of Object.entries(parts)) {
    await nano.db.create(name)
    await timed(name, () => part(nano.use(name), new Random(seed)))
    await nano.db.destroy(name)
  }
  await timed('partitions', () => partitions(nano))
  await timed('server', () => server(nano))
  await timed('session', () => session(url))
  say(`answers by status: ${JSON.stringify(statuses)}`)
})

function count (status) {
  if (status && status !== 'undefined') statuses[status] = (statuses[status] ?? 0) + 1
}

async function documents (db) {
  same(await db.insert({ v: 1 }, 'a'), { ok: true, id: 'a', rev: v1 }, 'inserted')
  await rejects(409, () => db.insert({ v: 2 }, 'a'), ...conflict)
  await rejects(409, () => db.insert({ v: 2, _rev: '1-abc' }, 'a'), ...conflict)
  await rejects(400, () => db.insert({ v: 2, _rev: 'abc' }, 'a'), ...badRev)
  same((await db.insert({ v: 2 }, { docName: 'a', rev: v1 })).rev, v2, 'edited')
  await rejects(409, () => db.insert({ _id: 'a', _rev: v1 }), ...conflict)

  const head = await db.head('a')
  same([head.etag, head['content-type'], head['content-length']], [`"${v2}"`, 'application/json', String(JSON.stringify({ _id: 'a', _rev: v2, v: 2 }).length + 1)], 'head')
  await rejects(404, () => db.head('none'))
  same(await db.get('a', { rev: v1 }), { _id: 'a', _rev: v1, v: 1 }, 'the first revision')
  await rejects(404, () => db.get('none'), ...missing)
  await rejects(404, () => db.get('a', { rev: '9-zz' }), ...missing)
  await rejects(400, () => db.get('a', { rev: 'abc' }), ...badRev)

  await rejects(409, () => db.destroy('a', v1), ...conflict)
  await rejects(400, () => db.destroy('a', 'bad'), ...badRev)
  await rejects(404, () => db.destroy('none', '1-abc'), ...missing)
  await db.insert({ v: 1 }, 'b')
  same(await db.destroy('b', v1), { ok: true, id: 'b', rev: gone }, 'destroyed')
  await rejects(404, () => db.destroy('b', gone), ...deleted)
  await rejects(404, () => db.get('b'), ...deleted)
  await rejects(404, () => db.head('b'))
  same(await db.get('b', { rev: gone }), { _id: 'b', _rev: gone, _deleted: true }, 'tombstone')

  await rejects(400, () => db.insert({}, '_bad'), 'illegal_docid', 'Only reserved document ids may start with underscore.')
  await rejects(400, () => db.insert({ _foo: 1 }, 'c'), 'doc_validation', 'Bad special document member: _foo')
  await rejects(400, () => db.insert([], 'c'), 'bad_request', 'Document must be a JSON object')
  const named = await db.insert({ v: 1 }) // by POST
  same([named.ok, named.rev, named.id.length], [true, v1, 32], 'inserted without an id')
  for (const id of ['ü/ +', 'a?b#c%d&e=f', '日本語', '🙂', '"quoted"', '...', '-']) {
    same((await db.insert({ v: 1 }, id)).id, id, 'id')
    same(await db.get(id), { _id: id, _rev: v1, v: 1 }, id)
  }
}

// revisions reads a tree of three branches, one of them deleted.
async function revisions (db) {
  const branch = (ids, v, more) => ({ _id: 'd', _revisions: { start: ids.length, ids }, v, ...more })
  const docs = [branch(['a0'], 'root'), branch(['b1', 'a0'], 'left'), branch(['c1', 'b1', 'a0'], 'leftleaf'), branch(['b2', 'a0'], 'right'), branch(['c3', 'b3', 'a0'], 'gone', { _deleted: true })]
  same(await db.bulk({ new_edits: false, docs }), [], 'answer to replicated revisions')
  const winner = { _id: 'd', _rev: '3-c1', v: 'leftleaf' }
  const info = ['3-c1', '2-b1', '1-a0'].map(rev => ({ rev, status: 'available' }))
  const reads = [
    [{}, winner],
    [{ revs: true }, { ...winner, _revisions: { start: 3, ids: ['c1', 'b1', 'a0'] } }],
    [{ revs_info: true }, { ...winner, _revs_info: info }],
    [{ conflicts: true }, { ...winner, _conflicts: ['2-b2'] }],
    [{ deleted_conflicts: true }, { ...winner, _deleted_conflicts: ['3-c3'] }],
    [{ meta: true }, { ...winner, _revs_info: info, _conflicts: ['2-b2'], _deleted_conflicts: ['3-c3'] }],
    [{ local_seq: true }, { ...winner, _local_seq: 1 }],
    [{ rev: '2-b1' }, { _id: 'd', _rev: '2-b1', v: 'left' }],
    [{ rev: '1-a0', latest: true }, winner],
    [{ rev: '3-c3' }, { _id: 'd', _rev: '3-c3', v: 'gone', _deleted: true }],
    [{ open_revs: '["2-b2","3-c3","9-zz"]' }, [{ ok: { _id: 'd', _rev: '2-b2', v: 'right' } }, { ok: { _id: 'd', _rev: '3-c3', v: 'gone', _deleted: true } }, { missing: '9-zz' }]],
    [{ open_revs: '["2-b3"]', latest: true }, [{ ok: { _id: 'd', _rev: '3-c3', v: 'gone', _deleted: true } }]]
  ]
  for (const [options, want] of reads) same(await db.get('d', options), want, JSON.stringify(options))
  same((await db.get('d', { open_revs: 'all', revs: true })).map(row => row.ok._rev), ['2-b2', '3-c1', '3-c3'], 'all leaves')
  await rejects(404, () => db.get('d', { rev: '2-b3' }), ...missing)
  await rejects(400, () => db.get('d', { open_revs: '["bad"]' }), ...badRev)
  await rejects(400, () => db.get('d', { open_revs: 'nonsense' }), 'bad_request', 'invalid UTF-8 JSON')
  await rejects(404, () => db.get('none', { open_revs: 'all' }), ...missing)
}

async function bulk (db) {
  const refused = id => ({ id, error: conflict[0], reason: conflict[1] })
  same(await db.bulk({ docs: [{ _id: 'a', v: 1 }, { _id: 'b', v: 1 }] }), ['a', 'b'].map(id => ({ ok: true, id, rev: v1 })), 'new documents')
  same(await db.bulk({ new_edits: false, docs: [{ _id: 'a', _rev: '2-zz', _revisions: { start: 2, ids: ['zz', v1.slice(2)] }, v: 'repl' }] }), [], 'a replicated edit')
  const docs = [{ _id: 'a', _rev: v1, v: 2 }, { _id: 'a', _rev: '2-zz', v: 3 }, { _id: 'b', _rev: v1, v: 2 }, { _id: 'b', _rev: v1, v: 3 }]
  same(await db.bulk({ docs }), [refused('a'), { ok: true, id: 'a', rev: v3 }, { ok: true, id: 'b', rev: v2 }, refused('b')], 'edits of the same documents')
  same((await db.get('a', { revs: true }))._revisions, { start: 3, ids: [v3.slice(2), 'zz', v1.slice(2)] }, 'history')
  same((await db.insert({ _rev: '1-aaa', v: 1 }, { docName: 'c', new_edits: false })).rev, '1-aaa', 'insert of a replicated revision')
  same((await db.insert({ _rev: '1-bbb', v: 1 }, { docName: 'c', new_edits: false })).rev, '1-bbb', 'insert of a conflict')
  same((await db.get('c', { conflicts: true }))._conflicts, ['1-aaa'], 'conflicts')
  const before = (await db.info()).update_seq
  await rejects(400, () => db.bulk({}), 'bad_request', 'POST body must include `docs` parameter.')
  await rejects(400, () => db.bulk({ docs: {} }), 'bad_request', '`docs` parameter must be an array.')
  await rejects(400, () => db.bulk({ docs: [{ _id: 'd' }, 1] }), 'bad_request', 'Document must be a JSON object')
  await rejects(400, () => db.bulk({ docs: [{ _id: 'd' }, { _id: 'e', _foo: 1 }] }), 'doc_validation', 'Bad special document member: _foo')
  await rejects(412, () => db.bulk({ docs: [{ _id: 'd', _attachments: { x: { stub: true } } }] }), 'missing_stub', 'Invalid attachment stub in d for x')
  same((await db.info()).update_seq, before, 'update_seq after refused batches')
}

async function lists (db) {
  await db.bulk({ docs: ['a', 'b', 'c', 'd', 'e', '_design/x'].map(_id => ({ _id })) })
  await db.bulk({ docs: [{ _id: 'gone', _deleted: true }] })
  await db.bulk({ new_edits: false, docs: [{ _id: 'e', _rev: '1-0' }] })
  const ranges = [
    [{}, 0, ['_design/x', 'a', 'b', 'c', 'd', 'e']],
    [{ startkey: 'b', endkey: 'd' }, 2, ['b', 'c', 'd']],
    [{ start_key: 'b', end_key: 'd', inclusive_end: false }, 2, ['b', 'c']],
    [{ startkey: 'bb' }, 3, ['c', 'd', 'e']],
    [{ startkey: 'z' }, 6, []],
    [{ startkey: 'd', endkey: 'b', descending: true }, 1, ['d', 'c', 'b']],
    [{ limit: 2, skip: 2, descending: true }, 2, ['c', 'b']],
    [{ limit: 0 }, 0, []],
    [{ skip: 100 }, 6, []],
    [{ startkey: 'c', endkey: 'c\ufff0' }, 3, ['c']],
    [{ key: 'a' }, 1, ['a']],
    [{ key: 'gone' }, 6, []],
    [{ keys: ['b', 'a', 'b'] }, null, ['b', 'a', 'b']]
  ]
  for (const [options, offset, ids] of ranges) {
    const list = await db.list({ ...options })
    same([list.total_rows, list.offset, list.rows.map(row => row.id)], [6, offset, ids], JSON.stringify(options))
    same(JSON.parse(await bytesOf(db.listAsStream({ ...options }))), list, `${JSON.stringify(options)} as a stream`)
  }
  const { rows } = await db.list({ startkey: 'e', include_docs: true, conflicts: true })
  same(rows, [{ id: 'e', key: 'e', value: { rev: empty }, doc: { _id: 'e', _rev: empty, _conflicts: ['1-0'] } }], 'with documents and conflicts')
  await rejects(400, () => db.list({ limit: 'x' }), 'query_parse_error', 'Invalid value for integer: "x"')

  const keys = ['b', 'none', 'gone', 'a']
  const tombstone = { rev: '1-de715bf126efc93d225d9e3f8e8eb81a', deleted: true }
  const row = (id, value, more) => ({ id, key: id, value, ...more })
  const absent = { key: 'none', error: 'not_found' }
  const revs = await db.fetchRevs({ keys })
  same(revs, { total_rows: 6, offset: null, rows: [row('b', { rev: empty }), absent, row('gone', tombstone), row('a', { rev: empty })] }, 'fetchRevs')
  const fetched = await db.fetch({ keys })
  const doc = _id => ({ doc: { _id, _rev: empty } })
  same(fetched.rows, [row('b', { rev: empty }, doc('b')), absent, row('gone', tombstone, { doc: null }), row('a', { rev: empty }, doc('a'))], 'fetch')
  await rejects(400, () => db.fetch({ keys }, { key: 'a' }), 'query_parse_error', '`keys` is incompatible with `key`, `start_key` and `end_key`')
}

async function attachments (db, random) {
  const digest = data => 'md5-' + createHash('md5').update(data).digest('base64')
  const first = await db.attachment.insert('new', 'a.bin', Buffer.from('hello'), 'application/octet-stream')
  same(first, { ok: true, id: 'new', rev: '1-8c161e6ebc477eb9060fcacc36b6c836' }, 'a document made by its attachment')
  const stub = { content_type: 'application/octet-stream', revpos: 1, digest: digest('hello'), length: 5, stub: true }
  same((await db.get('new'))._attachments, { 'a.bin': stub }, 'stub')
  same((await db.get('new', { attachments: true }))._attachments['a.bin'].data, Buffer.from('hello').toString('base64'), 'inline')
  same(String(await db.attachment.get('new', 'a.bin')), 'hello', 'attachment')
  await rejects(409, () => db.attachment.insert('new', 'a.bin', Buffer.from('x'), 'text/plain'), ...conflict)
  await rejects(409, () => db.attachment.insert('none', 'a.bin', Buffer.from('x'), 'text/plain', { rev: empty }), 'not_found', 'missing_rev')
  await rejects(400, () => db.attachment.insert('new', '_x', Buffer.from('x'), 'text/plain', { rev: first.rev }), 'bad_request', "Attachment name '_x' starts with prohibited character '_'")
  await rejects(404, () => db.attachment.get('new', 'none'), 'not_found', 'Document is missing attachment')
  await rejects(404, () => bytesOf(db.attachment.getAsStream('new', 'none')))

  const data = random.bytes(1e6)
  const second = await db.attachment.insert('new', 'dir/große Datei', Readable.from([data.subarray(0, 1), data.subarray(1)]), 'image/png', { rev: first.rev })
  check((await db.attachment.get('new', 'dir/große Datei')).equals(data), 'an attachment sent as a stream')
  check((await bytesOf(db.attachment.getAsStream('new', 'dir/große Datei', { rev: second.rev }))).equals(data), 'an attachment read as a stream')
  const text = await db.attachment.insert('new', 'a.txt', 'grüße', 'text/plain; charset=utf-8', { rev: second.rev })
  same(await db.attachment.get('new', 'a.txt'), 'grüße', 'text')
  const kept = await db.get('new')
  const edited = await db.insert({ ...kept, v: 2 })
  same((await db.get('new'))._attachments, kept._attachments, 'stubs after an edit')
  await rejects(412, () => db.insert({ ...kept, _rev: edited.rev, _attachments: { none: { stub: true } } }), 'missing_stub', 'Invalid attachment stub in new for none')
  await rejects(400, () => db.insert({ _attachments: { x: { data: 'not base64' } } }, 'b'), 'bad_request', 'Invalid attachment data for x')

  await rejects(409, () => db.attachment.destroy('new', 'a.txt', { rev: text.rev }), ...conflict)
  const less = await db.attachment.destroy('new', 'a.txt', { rev: edited.rev })
  same(Object.keys((await db.get('new'))._attachments).sort(), ['a.bin', 'dir/große Datei'], 'what is left')
  await rejects(404, () => db.attachment.destroy('new', 'a.txt', { rev: less.rev }), 'not_found', 'Document is missing attachment')
  same(await db.attachment.get('new', 'a.txt', { rev: text.rev }), 'grüße', 'an attachment of an older revision')
}

async function multipart (db) {
  const files = [{ name: 'a.txt', content_type: 'text/plain', data: 'first' }, { name: 'b.bin', content_type: 'image/png', data: Buffer.from([0, 13, 10, 45, 45]) }]
  const { rev } = await db.multipart.insert({ v: 1 }, files, 'doc')
  const stubs = (await db.get('doc'))._attachments
  same(Object.keys(stubs).sort(), ['a.txt', 'b.bin'], 'attachments')
  await rejects(409, () => db.multipart.insert({ v: 2 }, files, 'doc'), ...conflict)
  check((await db.attachment.get('doc', 'b.bin')).equals(files[1].data), 'the second part')
  const more = [{ name: 'c.txt', content_type: 'text/plain', data: 'third' }]
  const next = await db.multipart.insert({ v: 2, _attachments: stubs }, more, { docName: 'doc', rev })
  same(Object.keys((await db.get('doc'))._attachments).sort(), ['a.txt', 'b.bin', 'c.txt'], 'attachments after a second insert')
  const old = String(await db.multipart.get('doc', { rev }))
  check(old.includes('first') && !old.includes('third'), 'the parts of the older revision')
  const [, ...parts] = String(await db.multipart.get('doc')).split(/\r\n--[0-9a-zA-Z]+(?:--)?/)
  check(next.rev.startsWith('2-') && parts.length === 4, `${parts.length} parts of ${next.rev}`)
  check(parts.some(part => part.endsWith('\r\n\r\nthird')), 'the third part')
}

async function local (db) {
  same(await db.insert({ v: 1 }, '_local/x'), { ok: true, id: '_local/x', rev: '0-1' }, 'written')
  const request = (method, doc, body, qs) => db.server.request({ db: 'local', method, doc, body, qs })
  same(await request('GET', '_local/x'), { _id: '_local/x', _rev: '0-1', v: 1 }, 'read')
  same((await request('PUT', '_local/x', { _rev: '0-1', v: 2 })).rev, '0-2', 'edited')
  same((await request('PUT', '_local/x', { _rev: '0-1', v: 3 })).rev, '0-2', 'edited again from the same revision')
  same((await db.get('_local/x')).v, 3, 'the last edit')
  same((await db.bulk({ docs: [{ _id: '_local/y', v: 1 }] })), [{ ok: true, id: '_local/y', rev: '0-1' }], 'by bulk')
  const list = await db.server.request({ db: 'local', path: '_local_docs', qs: { include_docs: true } })
  same(list.rows.map(row => row.doc), [{ _id: '_local/x', _rev: '0-2', v: 3 }, { _id: '_local/y', _rev: '0-1', v: 1 }], 'list')
  await rejects(400, () => db.attachment.insert('_local/x', 'a', Buffer.from('x'), 'text/plain'), 'bad_request', '_local documents do not accept attachments.')
  same((await db.destroy('_local/x', '0-2')).rev, '0-0', 'destroyed')
  await rejects(404, () => db.get('_local/x'), ...missing)
  const info = await db.info()
  same([info.doc_count, parseInt(info.update_seq), (await db.changes()).results], [0, 0, []], 'what local documents leave no trace in')
}

async function changes (db) {
  const docs = ['e', 'c', 'a', 'd', 'b'].map(_id => ({ _id, v: 1 }))
  for (const doc of docs) await db.insert(doc)
  await db.destroy('c', v1)
  const ids = result => result.results.map(row => row.id)
  const all = await db.changes()
  same([ids(all), all.pending, all.last_seq], [['e', 'a', 'd', 'b', 'c'], 0, all.results.at(-1).seq], 'all')
  same(all.results.at(-1), { seq: all.last_seq, id: 'c', changes: [{ rev: gone }], deleted: true }, 'a deletion')
  const two = await db.changes({ limit: 2 })
  same([ids(two), two.pending, two.last_seq], [['e', 'a'], 3, two.results[1].seq], 'two')
  same(ids(await db.changes({ since: two.last_seq })), ['d', 'b', 'c'], 'those after')
  same(ids(await db.changes({ since: 'now' })), [], 'those after now')
  same(ids(await db.changes({ descending: true, limit: 2 })), ['c', 'b'], 'the last two')
  same((await db.changes({ since: two.last_seq, limit: 1, include_docs: true })).results[0].doc, { _id: 'd', _rev: v1, v: 1 }, 'with the document')
  same((await db.changes({ seq_interval: 2 })).results.filter(row => row.seq === null).length, 2, 'rows without a sequence')
  same(ids(await db.changes({ filter: '_doc_ids', doc_ids: '["a","c"]' })), ['a', 'c'], 'by document id')
  same(ids(await db.changes({ filter: '_design' })), [], 'design documents')
  same(JSON.parse(await bytesOf(db.changesAsStream({ limit: 2 }))), two, 'as a stream')
  const lines = String(await bytesOf(db.changesAsStream({ feed: 'continuous', timeout: 100 }))).trim().split('\n').map(line => JSON.parse(line))
  same(lines.slice(0, -1), all.results, 'continuous')
  same(lines.at(-1).last_seq, all.last_seq, 'the last line')
  await rejects(400, () => db.changes({ since: 'abc' }), 'bad_request', "Malformed sequence supplied in 'since' parameter.")
  await rejects(400, () => db.changes({ feed: 'nonsense' }), 'bad_request', 'Supported `feed` types: normal, continuous, live, longpoll, eventsource')
  await rejects(404, () => db.changes({ filter: 'none/none' }), ...missing)
}

async function reader (db) {
  const docs = Array.from({ length: 250 }, (_, i) => ({ _id: String(1000 + i), i }))
  await db.bulk({ docs })
  const { results, last_seq: last } = await db.changes({ include_docs: true })
  const got = await rowsOf(db.changesReader.get({ since: 0, batchSize: 100, includeDocs: true, timeout: 200 }))
  same([got.rows, got.batches, got.end], [results, [100, 100, 50], last], 'get')
  const fast = await rowsOf(db.changesReader.get({ since: 0, batchSize: 50, fastChanges: true, timeout: 200 }))
  same([fast.rows.map(row => row.id), fast.rows.filter(row => row.seq).length, fast.end], [docs.map(doc => doc._id), 5, last], 'get with fastChanges')
  const spooled = await rowsOf(db.changesReader.spool({ since: 0, batchSize: 100, includeDocs: true }))
  same([spooled.rows.map(row => row.doc), spooled.batches, spooled.end], [results.map(row => row.doc), [100, 100, 50], last], 'spool')
  const error = await new Promise(resolve => db.changesReader.get({ since: 'abc' }).on('error', resolve))
  same([error.statusCode, error.error], [400, 'bad_request'], 'the error of a malformed sequence')
}

// rowsOf waits for the end of a reader and returns its rows, the sizes of the
// batches that they came in, and the last sequence.
function rowsOf (feed) {
  return new Promise((resolve, reject) => {
    const rows = []
    const batches = []
    feed.on('batch', batch => { rows.push(...batch); batches.push(batch.length) })
    feed.on('end', end => resolve({ rows, batches, end }))
    feed.on('error', reject)
  })
}

async function partitions (nano) {
  await nano.db.create('partitions', { partitioned: true })
  const db = nano.use('partitions')
  await db.bulk({ docs: ['a:1', 'a:2', 'b:1', 'ü b:1'].map(_id => ({ _id, v: 1 })) })
  for (const [name, count] of [['a', 2], ['b', 1], ['ü b', 1], ['none', 0]]) {
    const info = await db.partitionInfo(name)
    same([info.db_name, info.partition, info.doc_count, info.doc_del_count], ['partitions', name, count, 0], name)
  }
  const list = await db.partitionedList('a', { include_docs: true })
  same(list.rows.map(row => row.doc), ['a:1', 'a:2'].map(_id => ({ _id, _rev: v1, v: 1 })), 'list of a partition')
  same((await db.partitionedList('a', { startkey: 'a:2' })).rows.map(row => row.id), ['a:2'], 'list from a key on')
  same((await db.partitionedList('ü b')).rows.map(row => row.id), ['ü b:1'], 'list of a partition whose name is escaped')
  same(JSON.parse(await bytesOf(db.partitionedListAsStream('a', { limit: 1 }))).rows.map(row => row.id), ['a:1'], 'list as a stream')
  await rejects(400, () => db.insert({}, 'without'), 'illegal_docid', 'Doc id must be of form partition:id')
  await rejects(400, () => nano.use('partitions').partitionedList('_a'))
  await nano.db.destroy('partitions')
}

async function server (nano) {
  const { couchdb, vendor } = await nano.info()
  same([couchdb, typeof vendor.name], ['Welcome', 'string'], 'info')
  same(new Set((await nano.uuids(100)).uuids).size, 100, 'different uuids')
  await rejects(400, () => nano.uuids(1001), 'bad_request', 'count parameter too large')
  await nano.db.create('server', { q: 1, n: 1 })
  await rejects(412, () => nano.db.create('server'), 'file_exists', 'The database could not be created, the file already exists.')
  await rejects(400, () => nano.db.create('other', { q: 0 }), 'bad_request', 'The `q` value should be a positive integer.')
  const illegal = await rejects(400, () => nano.db.create('Capital'))
  same([illegal.error, illegal.reason.startsWith("Name: 'Capital'. Only lowercase characters")], ['illegal_database_name', true], 'a bad name')
  const info = await nano.db.get('server')
  same([info.db_name, info.doc_count, info.doc_del_count, info.compact_running, Object.keys(info.sizes).sort()], ['server', 0, 0, false, ['active', 'external', 'file']], 'database')
  same((await nano.db.list()).filter(name => name === 'server'), ['server'], 'list')
  same(JSON.parse(await bytesOf(nano.db.listAsStream())), await nano.db.list(), 'list as a stream')
  same(await nano.db.compact('server'), { ok: true }, 'compact')
  same((await nano.db.changes('server')).results, [], 'changes')
  same(await nano.db.destroy('server'), { ok: true }, 'destroyed')
  const none = ['not_found', 'Database does not exist.']
  const db = nano.use('server')
  for (const request of [() => nano.db.get('server'), () => nano.db.destroy('server'), () => db.insert({}, 'a'), () => db.get('a'), () => db.list(), () => db.bulk({ docs: [{}] }), () => db.changes(), () => db.fetch({ keys: ['a'] })]) {
    await rejects(404, request, ...none)
  }
}

async function session (url) {
  const { username, password, origin } = new URL(url)
  const nano = Nano({ url: origin, log: ({ headers }) => count(headers?.statusCode) })
  same((await nano.session()).userCtx, { name: null, roles: [] }, 'anonymous')
  await rejects(401, () => nano.db.create('session'), 'unauthorized', 'You are not a server admin.')
  await rejects(401, () => nano.auth(username, 'wrong'), 'unauthorized', 'Name or password is incorrect.')
  same(await nano.auth(username, password), { ok: true, name: username, roles: ['_admin'] }, 'logged in')
  const { userCtx, info } = await nano.session()
  same([userCtx, info.authenticated], [{ name: username, roles: ['_admin'] }, 'cookie'], 'session')
  await nano.db.create('session')
  const db = nano.use('session')
  await db.insert({ v: 1 }, 'a')
  await rejects(401, () => Nano(origin).use('session').get('a'), 'unauthorized', 'You are not authorized to access this db.')
  await nano.db.destroy('session')
  same(await nano.request({ db: '_session', method: 'DELETE' }), { ok: true }, 'logged out')
  same((await nano.session()).userCtx, { name: null, roles: [] }, 'anonymous again')
}
