// A database of the server, in both views, and PouchDBs that are replicas of its
// metadata.

import { createHash } from 'node:crypto'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from '../clients/lib/driver.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { same } from '../clients/lib/expect.mjs'
import { PouchDB } from '../clients/lib/npm.mjs'

export const digest = content => 'md5-' + createHash('md5').update(content).digest('base64')

// entry is what attachments_meta says of a content.
export function entry (content, revpos, type = 'text/plain') {
  return { content_type: type, length: Buffer.byteLength(content), digest: digest(content), revpos }
}

// listed are a document's attachments in either member: name to {type, length, digest}.
export function listed (doc) {
  const all = {}
  for (const [name, a] of Object.entries({ ...doc.attachments_meta, ...doc._attachments })) {
    all[name] = { type: a.content_type, length: a.length, digest: a.digest }
  }
  return all
}

export class Place {
  constructor (url, dir, name) {
    this.dir = path.join(dir, name)
    this.couch = new Couch(`${url}/${name}`) // the ordinary view
    this.meta = new Couch(`${url}/_metadata/${name}`)
    this.metaURL = `${url}/_metadata/${name}`
    this.ordinaryURL = `${url}/${name}`
  }

  local (name, options) { return new PouchDB(`${this.dir}-${name}`, options) }

  // put stores a document of the ordinary view, with new contents for some of its
  // attachments and stubs for others, and returns its revision.
  async put (doc, contents = {}) {
    const inline = Object.entries(contents).map(([name, content]) => [name, { content_type: 'text/plain', data: Buffer.from(content).toString('base64') }])
    const attachments = { ...doc._attachments, ...Object.fromEntries(inline) }
    const { rev } = await this.couch.json('PUT', Couch.document(doc._id), { json: { ...doc, _attachments: attachments } })
    return rev
  }

  get (id, query) { return this.couch.json('GET', Couch.document(id), { query }) }

  // pull brings a replica up to date.
  async pull (db) {
    const result = await db.replicate.from(this.metaURL)
    check(result.ok && result.doc_write_failures === 0, `pull: ${JSON.stringify(result)}`)
    return result
  }

  // push sends what a replica has, and returns the documents that were denied.
  async push (db, url = this.metaURL) {
    const denied = []
    const replication = db.replicate.to(url)
    replication.on('denied', ({ id, error, reason }) => denied.push({ id, error, reason }))
    const result = await replication
    check(result.ok, `push: ${JSON.stringify(result)}`)
    same(result.doc_write_failures, denied.length, 'failures')
    return denied
  }

  // contents wants a revision on the server to have these attachments, and no others.
  async contents (id, rev, want) {
    const doc = await this.get(id, rev ? { rev } : {})
    const got = {}
    for (const name of Object.keys(doc._attachments ?? {})) {
      const answer = await this.couch.answer('GET', Couch.document(id, name), { query: rev ? { rev } : {}, headers: { accept: '*/*' } })
      got[name] = await answer.text()
    }
    same(got, want, `the contents of ${id} ${rev ?? ''}`)
  }

  async leaves (id) {
    const rows = await this.couch.json('GET', Couch.document(id), { query: { open_revs: 'all' } })
    return rows.map(row => row.ok._rev).sort()
  }

  async compact () {
    await this.couch.json('POST', '/_compact', { json: {} })
    do await sleep(50)
    while ((await this.couch.info()).compact_running)
  }
}

// localLeaves are the leaves that a PouchDB has of a document.
export async function localLeaves (db, id) {
  return (await db.get(id, { open_revs: 'all' })).map(row => row.ok._rev).sort()
}
