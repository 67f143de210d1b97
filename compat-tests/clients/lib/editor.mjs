// A user of a local PouchDB that changes documents at random, under node or in a
// browser.

import { inline } from './inline.mjs'

// How often each kind of operation is done.
const kinds = { edit: 40, create: 10, remove: 8, attach: 12, detach: 4, branch: 12, resolve: 8, revive: 4, batch: 2 }

// pause is the longest time between two operations, in milliseconds.
export const pause = 20

// choice is the part of all documents from which a writer takes one.
export function choice (random) {
  if (random.chance(0.25)) return { startkey: '0ad', limit: 4 }
  return { startkey: random.pick('0123456789abcdefghilmnpw'), limit: 30 }
}

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

export class Editor {
  done = {} // operations by kind; 'overtaken' for those that a replicated edit came before

  constructor (db, files, random) {
    Object.assign(this, { db, files, random })
  }

  // step does one operation, after a short time.
  async step () {
    await sleep(this.random.int(pause))
    const doc = await this.#any()
    const kind = doc ? this.random.weighted(kinds) : 'create'
    try {
      await this[kind](doc)
      this.#count(kind)
    } catch (error) {
      if (error.status !== 409 && error.status !== 404) throw error // 404: it is deleted by now
      this.#count('overtaken')
    }
  }

  #count (kind) { this.done[kind] = (this.done[kind] ?? 0) + 1 }

  // #any is the winner of one of the documents, one time in four of a few that
  // all writers prefer; undefined while there is none.
  async #any () {
    const options = { include_docs: true, conflicts: true }
    let { rows } = await this.db.allDocs({ ...options, ...choice(this.random) })
    if (rows.length === 0) rows = (await this.db.allDocs({ ...options, limit: 30 })).rows
    return rows.length > 0 ? this.random.pick(rows).doc : undefined
  }

  edit (doc) {
    delete doc._conflicts
    return this.db.put({ ...doc, edited: this.random.hex(1 + this.random.int(100)) })
  }

  create () {
    return this.db.put({ _id: `${this.random.pick('0123456789abcdef')} ${this.random.hex(16)} ö/+%`, text: this.random.hex(300) })
  }

  remove (doc) { return this.db.remove(doc) }

  attach (doc) {
    const { name, content_type: type, data } = this.random.pick(this.files)
    return this.db.putAttachment(doc._id, name, doc._rev, data, type)
  }

  detach (doc) {
    const names = Object.keys(doc._attachments ?? {})
    if (names.length === 0) return this.edit(doc)
    return this.db.removeAttachment(doc._id, this.random.pick(names), doc._rev)
  }

  // branch makes a further leaf, as an edit in another place would: beside the
  // winner or beside an ancestor of it, sometimes deleted, sometimes with an
  // attachment.
  async branch (doc) {
    const { _revisions: { start, ids } } = await this.db.get(doc._id, { revs: true })
    const back = this.random.int(Math.min(3, ids.length))
    const path = [this.random.hex(32), ...ids.slice(back)]
    const leaf = { _id: doc._id, branch: this.random.hex(8), _revisions: { start: start - back + 1, ids: path } }
    leaf._rev = `${leaf._revisions.start}-${path[0]}`
    if (this.random.chance(0.2)) leaf._deleted = true
    else if (this.random.chance(0.4)) leaf._attachments = inline([this.random.pick(this.files)])
    await this.db.bulkDocs([leaf], { new_edits: false })
  }

  // resolve deletes a conflicting leaf.
  async resolve (doc) {
    if (!doc._conflicts) return this.edit(doc)
    await this.db.remove(doc._id, this.random.pick(doc._conflicts))
  }

  // revive gives a document a new life after its deletion.
  async revive (doc) {
    await this.db.remove(doc)
    await this.db.put({ _id: doc._id, revived: true })
  }

  // batch writes many small documents at once.
  async batch () {
    const prefix = this.random.hex(8)
    const docs = Array.from({ length: 50 }, (_, i) => ({ _id: `${prefix}-${i}`, i }))
    await this.db.bulkDocs(docs)
  }
}
