// What a PouchDB that is a metadata replica goes through, case by case. A case takes a
// Place with an empty database, and the server.

import { check } from '../clients/lib/driver.mjs'
import { same } from '../clients/lib/expect.mjs'
import { entry, listed, localLeaves } from './place.mjs'

// edit changes a document of a replica, and returns its revision.
async function edit (db, id, change) {
  const doc = await db.get(id)
  return (await db.put({ ...doc, ...change(doc) })).rev
}

// lists: a replica has every document and no body.
async function lists (place) {
  await place.put({ _id: 'a', n: 1 }, { body: 'the body', other: 'another' })
  await place.put({ _id: 'b', n: 2 })
  const db = place.local('one')
  same((await place.pull(db)).docs_written, 2, 'documents')
  const a = await db.get('a')
  same([a.n, a._attachments], [1, undefined], 'the document')
  same(a.attachments_meta, { body: entry('the body', 1), other: entry('another', 1) }, 'its list')
  same((await db.get('b')).attachments_meta, undefined, 'the list of a document without attachments')
  same(await place.push(db), [], 'denied') // what was pulled is there
  await place.contents('a', a._rev, { body: 'the body', other: 'another' })
}

// offline: two edits while the server replaces the attachment and compacts.
async function offline (place) {
  const first = await place.put({ _id: 'a', n: 1 }, { body: 'old' })
  const db = place.local('one')
  await place.pull(db)
  const replaced = await place.put({ _id: 'a', _rev: first, n: 2 }, { body: 'new' })
  await edit(db, 'a', () => ({ edited: 1 }))
  const second = await edit(db, 'a', () => ({ edited: 2 }))
  await place.compact()
  same(await place.push(db), [], 'denied')
  await place.contents('a', replaced, { body: 'new' })
  await place.contents('a', second, { body: 'old' })
  await place.pull(db)
  same(await localLeaves(db, 'a'), [replaced, second].sort(), 'the leaves of the replica')
  same(await place.leaves('a'), [replaced, second].sort(), 'the leaves of the server')
}

// compactedAway: the same where the server keeps nothing of superseded revisions.
async function compactedAway (place, server) {
  const setting = '/_node/_local/_config/attachments/keep_ancestors'
  await server.json('PUT', setting, { json: '0' })
  const first = await place.put({ _id: 'a' }, { body: 'old' })
  await place.put({ _id: 'b' }, { body: 'stays' })
  const db = place.local('one')
  await place.pull(db)
  const replaced = await place.put({ _id: 'a', _rev: first }, { body: 'new' })
  await edit(db, 'a', () => ({ edited: 1 }))
  const second = await edit(db, 'a', () => ({ edited: 2 }))
  const other = await edit(db, 'b', () => ({ edited: 1 }))
  await place.compact()
  same(await place.push(db), [{ id: 'a', error: 'forbidden', reason: 'missing_stub: body' }], 'denied')
  same(await place.leaves('a'), [replaced], 'the leaves of the server')
  await place.contents('a', replaced, { body: 'new' })
  await place.contents('b', other, { body: 'stays' })
  same((await db.get('a', { rev: second })).edited, 2, 'the replica has its own')
  await server.json('DELETE', setting)
}

// otherBranch: a conflict is resolved with an attachment of the branch that goes.
async function otherBranch (place) {
  const docs = ['x', 'y'].map(hash => ({
    _id: 'a', _rev: `1-${hash}`, of: hash, _attachments: { [hash]: { content_type: 'text/plain', data: Buffer.from(`of ${hash}`).toString('base64') } }
  }))
  same(await place.couch.json('POST', '/_bulk_docs', { json: { new_edits: false, docs } }), [], 'refused')
  const db = place.local('one')
  await place.pull(db)
  const winner = await db.get('a', { conflicts: true })
  same([winner._rev, winner._conflicts], ['1-y', ['1-x']], 'the conflict')
  const loser = await db.get('a', { rev: '1-x' })
  delete winner._conflicts
  const { rev } = await db.put({ ...winner, attachments_meta: { ...winner.attachments_meta, ...loser.attachments_meta } })
  await db.remove('a', '1-x')
  same(await place.push(db), [], 'denied')
  await place.contents('a', rev, { x: 'of x', y: 'of y' })
  const doc = await place.get('a', { conflicts: true })
  same([doc._rev, doc._conflicts], [rev, undefined], 'resolved')
}

// addedLocally: an attachment is added in a replica, another client edits, and the
// first edits again.
async function addedLocally (place) {
  await place.put({ _id: 'a' }, { one: 'the first' })
  const [here, there] = ['here', 'there'].map(name => place.local(name))
  await place.pull(here)
  const { _rev } = await here.get('a')
  const { rev } = await here.putAttachment('a', 'two', _rev, Buffer.from('the second'), 'text/plain')
  same(await place.push(here), [], 'denied')
  await place.contents('a', rev, { one: 'the first', two: 'the second' })
  await place.pull(there)
  same(Object.keys((await there.get('a')).attachments_meta).sort(), ['one', 'two'], 'listed')
  await edit(there, 'a', () => ({ there: true }))
  same(await place.push(there), [], 'denied')
  await place.pull(here)
  const last = await edit(here, 'a', () => ({ here: true }))
  same(await place.push(here), [], 'denied')
  await place.contents('a', last, { one: 'the first', two: 'the second' })
  const doc = await place.get('a')
  same([doc.here, doc.there], [true, true], 'both edits')

  const again = await edit(here, 'a', ({ attachments_meta: { one } }) => ({ attachments_meta: { renamed: one } }))
  same(await place.push(here), [], 'denied')
  await place.contents('a', again, { renamed: 'the first' })
}

// recreated: the database is dropped and made anew.
async function recreated (place) {
  await place.put({ _id: 'a' }, { body: 'gone' })
  await place.put({ _id: 'b' })
  const db = place.local('one')
  await place.pull(db)
  await place.couch.json('DELETE', '')
  await place.couch.create()
  const rev = await edit(db, 'b', () => ({ edited: true }))
  same(await place.push(db), [{ id: 'a', error: 'forbidden', reason: 'missing_stub: body' }], 'denied')
  same((await place.couch.response('GET', '/a')).status, 404, 'the document without its content')
  same((await place.get('b'))._rev, rev, 'the other')
  await place.put({ _id: 'c' }, { body: 'new' })
  await place.pull(db)
  same((await db.get('c')).attachments_meta, { body: entry('new', 1) }, 'the new document')
}

// inlineRaised: attachments become ordinary ones between a pull and a push, and back.
async function inlineRaised (place) {
  await place.put({ _id: 'a' }, { small: 'small', large: 'l'.repeat(2000) })
  const [here, there] = ['here', 'there'].map(name => place.local(name))
  await place.pull(here)
  const before = await place.couch.info()
  await place.couch.json('PUT', '/_metadata_options', { json: { inline_max: 1000 } })
  same((await place.couch.info()).update_seq, before.update_seq, 'the sequence')
  const first = await edit(here, 'a', () => ({ here: true }))
  same(await place.push(here), [], 'denied')
  const contents = { small: 'small', large: 'l'.repeat(2000) }
  await place.contents('a', first, contents)
  await place.pull(there)
  const pulled = await there.get('a', { attachments: true })
  const small = Buffer.from(pulled._attachments.small.data, 'base64')
  same([Object.keys(pulled.attachments_meta), String(small)], [['large'], 'small'], 'pulled')
  await place.couch.json('PUT', '/_metadata_options', { json: { inline_max: 0 } })
  const second = await edit(there, 'a', () => ({ there: true }))
  same(await place.push(there), [], 'denied')
  await place.contents('a', second, contents)
  await place.pull(here)
  const third = await edit(here, 'a', () => ({ again: true }))
  same(await place.push(here), [], 'denied')
  await place.contents('a', third, contents)
}

// wrongView: a metadata replica is pushed to the ordinary view.
async function wrongView (place) {
  const rev = await place.put({ _id: 'a' }, { body: 'the body' })
  await place.put({ _id: 'b' })
  const db = place.local('one')
  await place.pull(db)
  await edit(db, 'a', () => ({ edited: true }))
  const other = await edit(db, 'b', () => ({ edited: true }))
  const denied = await place.push(db, place.ordinaryURL)
  same(denied.map(({ id, error }) => [id, error]), [['a', 'forbidden']], 'denied')
  same(await place.leaves('a'), [rev], 'the leaves of the server')
  await place.contents('a', rev, { body: 'the body' })
  same((await place.get('b'))._rev, other, 'the other')
  same(await place.push(db), [], 'denied where it belongs')
  await place.contents('a', undefined, { body: 'the body' })
  same((await place.get('a')).edited, true, 'edited')
}

// stemmed: the server has forgotten every ancestor that it shares with the replica.
async function stemmed (place) {
  let rev = await place.put({ _id: 'a' }, { body: 'the body' })
  const db = place.local('one')
  await place.pull(db)
  await place.couch.json('PUT', '/_revs_limit', { json: 2 })
  for (let n = 0; n < 5; n++) rev = await place.put({ _id: 'a', _rev: rev, n, _attachments: { body: { stub: true } } })
  const own = await edit(db, 'a', () => ({ edited: true }))
  same(await place.push(db), [], 'denied')
  same(await place.leaves('a'), [own, rev].sort(), 'the leaves')
  await place.contents('a', own, { body: 'the body' })
  await place.contents('a', rev, { body: 'the body' })
}

// bothMembers: what was stored in a replica is what the server lists.
async function bothMembers (place) {
  await place.put({ _id: 'a' }, { same: 'old', stays: 'stays' })
  const db = place.local('one')
  await place.pull(db)
  const { _rev } = await db.get('a')
  const { rev } = await db.putAttachment('a', 'same', _rev, Buffer.from('new'), 'text/html')
  same(await place.push(db), [], 'denied')
  await place.contents('a', rev, { same: 'new', stays: 'stays' })
  const [local, remote] = [await db.get('a'), await place.meta.json('GET', '/a')]
  same(listed(remote), listed(local), 'the attachments')
  check(remote._attachments === undefined, 'the server brings an attachment')
}

export const cases = { lists, offline, compactedAway, otherBranch, addedLocally, recreated, inlineRaised, wrongView, stemmed, bothMembers }
