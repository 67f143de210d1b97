// nano's functions on the metadata view of a database.
//
// Parameters: {url, dir, seed}

import { parameters, run, timed } from '../clients/lib/driver.mjs'
import { rejects, same } from '../clients/lib/expect.mjs'
import { Nano } from '../clients/lib/npm.mjs'
import { entry } from './place.mjs'

run(async () => {
  const { url } = parameters()
  const ordinary = Nano(url)
  const metadata = Nano({ url: `${url}/_metadata`, parseUrl: false })
  await timed('server', () => server(ordinary, metadata))
  await ordinary.db.create('mail')
  await timed('documents', () => documents(ordinary.use('mail'), metadata.use('mail')))
  await timed('replication', () => lists(metadata.use('mail')))
})

async function server (ordinary, metadata) {
  await metadata.db.create('made')
  same(await metadata.db.list(), await ordinary.db.list(), 'databases')
  same((await metadata.db.get('made')).db_name, 'made', 'the name')
  await ordinary.db.destroy('made')
  await rejects(404, () => metadata.db.get('made'), 'not_found', 'Database does not exist.')
  await rejects(404, () => metadata.request({ path: '_active_tasks' }))
  await rejects(404, () => metadata.request({ path: '_node/_local/_config' }))
  const uuids = await Promise.all([ordinary, metadata].map(async n => (await n.info()).uuid))
  same(uuids[0] === uuids[1], false, 'one uuid for both')
}

async function documents (ordinary, metadata) {
  const { rev } = await ordinary.multipart.insert({ subject: 'hello' }, [{ name: 'body', data: Buffer.from('the body'), content_type: 'text/plain' }], 'a')
  const shown = await metadata.get('a', { attachments: true })
  same(shown, { _id: 'a', _rev: rev, subject: 'hello', attachments_meta: { body: entry('the body', 1) } }, 'the document')
  same(String(await metadata.attachment.get('a', 'body')), 'the body', 'the content')
  const edited = await metadata.insert({ ...shown, read: true })
  same(String(await ordinary.attachment.get('a', 'body', { rev: edited.rev })), 'the body', 'the content of the edit')
  const added = await metadata.attachment.insert('a', 'thumb', Buffer.from('tiny'), 'image/png', { rev: edited.rev })
  same(Object.keys((await metadata.get('a')).attachments_meta), ['thumb', 'body'], 'listed')
  const gone = await metadata.attachment.destroy('a', 'thumb', { rev: added.rev })
  await rejects(409, () => metadata.insert({ ...shown, late: true }), 'conflict', 'Document update conflict.')
  const unknown = { ...shown, _rev: gone.rev, attachments_meta: { x: entry('unknown', 1) } }
  await rejects(412, () => metadata.insert(unknown), 'missing_stub', 'Invalid attachment stub in a for x')
  await rejects(400, () => metadata.insert({ ...unknown, attachments_meta: { x: { digest: 'md5-x' } } }))
  await rejects(403, () => ordinary.insert(unknown))
  const rows = await metadata.bulk({ docs: [unknown, { _id: 'b' }] })
  same(rows.map(({ id, error, reason }) => [id, error, reason]), [['a', 'forbidden', 'missing_stub: x'], ['b', undefined, undefined]], 'rows')
  const dropped = await metadata.insert({ _id: 'a', _rev: gone.rev, subject: 'bare' })
  same(await ordinary.get('a'), { _id: 'a', _rev: dropped.rev, subject: 'bare' }, 'without attachments')
}

async function lists (metadata) {
  await metadata.attachment.insert('c', 'body', Buffer.from('large'), 'text/plain')
  const want = { body: entry('large', 1) }
  const { rows } = await metadata.list({ include_docs: true, attachments: true, key: 'c' })
  same(rows[0].doc.attachments_meta, want, 'in a list')
  const { results } = await metadata.changes({ include_docs: true, attachments: true, doc_ids: JSON.stringify(['c']), filter: '_doc_ids' })
  same(results[0].doc.attachments_meta, want, 'in the changes')
  const found = await metadata.fetch({ keys: ['c'] }, { attachments: true })
  same(found.rows[0].doc._attachments, undefined, 'fetched')
}
