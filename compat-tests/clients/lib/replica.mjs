// One way to read every kind of replica: a local PouchDB and a server's database.
//
// A replica has
//   leaves()                   Map of document id to its leaf revisions, sorted
//   winners(ids)               Map of document id to "rev" or "rev deleted"
//   openRevs(id)               every leaf, with _revisions
//   attachment(id, name, rev)  {type, data: Buffer}
//   revpos                     whether it keeps the revpos of attachments: a PouchDB
//                              does not where it pulled them

import { Couch } from './couch.mjs'

const page = 1000

function leavesOf (results) {
  return new Map(results.map(row => [row.id, row.changes.map(c => c.rev).sort()]))
}

function winnersOf (rows) {
  return rows.map(row => [row.id ?? row.key, row.value ? row.value.rev + (row.value.deleted ? ' deleted' : '') : row.error])
}

async function inPages (ids, read) {
  const winners = new Map()
  for (let i = 0; i < ids.length; i += page) {
    for (const [id, winner] of winnersOf(await read(ids.slice(i, i + page)))) winners.set(id, winner)
  }
  return winners
}

// pouch is a PouchDB as a replica; pulled says whether it got documents from elsewhere.
export function pouch (name, db, pulled) {
  return {
    name,
    revpos: !pulled,
    leaves: async () => leavesOf((await db.changes({ style: 'all_docs', since: 0 })).results),
    winners: ids => inPages(ids, async keys => (await db.allDocs({ keys })).rows),
    openRevs: async id => (await db.get(id, { open_revs: 'all', revs: true })).map(found),
    attachment: async (id, name, rev) => {
      const data = await db.getAttachment(id, name, { rev })
      return { type: data.type, data }
    }
  }
}

// server is a database of a server as a replica, read by plain requests.
export function server (name, url) {
  const couch = new Couch(url)
  return {
    name,
    revpos: true,
    leaves: async () => leavesOf((await couch.json('GET', '/_changes', { query: { style: 'all_docs' } })).results),
    winners: ids => inPages(ids, async keys => (await couch.json('POST', '/_all_docs', { json: { keys } })).rows),
    openRevs: async id => (await couch.json('GET', Couch.document(id), { query: { open_revs: 'all', revs: true } })).map(found),
    attachment: async (id, name, rev) => {
      const answer = await couch.answer('GET', Couch.document(id, name), { query: { rev }, headers: { accept: '*/*' } })
      return { type: answer.headers.get('content-type'), data: Buffer.from(await answer.arrayBuffer()) }
    }
  }
}

function found (row) {
  if (!row.ok) throw new Error(`a leaf is missing: ${JSON.stringify(row)}`)
  return row.ok
}
