// A client that writes to the server itself, by plain requests, and remembers
// what the server acknowledged.

import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './driver.mjs'
import { choice, pause } from './editor.mjs'
import { Couch } from './couch.mjs'

export class Writer {
  done = { written: 0, conflict: 0, failed: 0 } // requests by outcome; failed: no answer
  acknowledged = [] // {id, rev}

  constructor (couch, files, random) {
    Object.assign(this, { couch, files, random })
  }

  // step does one write, after a short time. A server that does not answer is no
  // error: it may be down just now.
  async step () {
    await sleep(this.random.int(pause))
    let answer
    try {
      answer = await this.#write()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // what fetch throws when the connection fails
      this.done.failed++
      return
    }
    const { status, body } = answer
    if (status === 409 || status === 404) this.done.conflict++ // 404: it is deleted by now
    else check(status === 201 || status === 200 || status === 202, `a write to the server: ${status} ${JSON.stringify(body)}`)
    for (const row of [body].flat().filter(row => row.ok)) {
      this.done.written++
      this.acknowledged.push({ id: row.id, rev: row.rev })
    }
  }

  // #write sends one write and returns {status, body} of the answer.
  async #write () {
    switch (this.random.weighted({ create: 30, edit: 40, attach: 10, remove: 10, bulk: 10 })) {
      case 'create': return this.#send('PUT', Couch.document(`written ${this.random.hex(16)}`), { json: { text: this.random.hex(300) } })
      case 'bulk': return this.#send('POST', '/_bulk_docs', { json: { docs: Array.from({ length: 20 }, () => ({ _id: `bulk ${this.random.hex(16)}` })) } })
      case 'edit': return this.#change(doc => this.#send('PUT', Couch.document(doc._id), { json: { ...doc, edited: this.random.hex(20) } }))
      case 'remove': return this.#change(doc => this.#send('DELETE', Couch.document(doc._id), { query: { rev: doc._rev } }))
      case 'attach': return this.#change(doc => this.#attach(doc))
    }
  }

  #attach (doc) {
    const { name, content_type: type, data } = this.random.pick(this.files)
    return this.#send('PUT', Couch.document(doc._id, name), { query: { rev: doc._rev }, body: data, headers: { 'content-type': type } })
  }

  // #change writes to one of the documents that are there.
  async #change (write) {
    const { startkey, limit } = choice(this.random)
    const { body } = await this.#send('GET', '/_all_docs', { query: { include_docs: true, limit, startkey: JSON.stringify(startkey) } })
    if (body.rows.length === 0) return { status: 409, body: {} }
    return write(this.random.pick(body.rows).doc)
  }

  async #send (method, path, options) {
    const response = await this.couch.response(method, path, options)
    return { status: response.status, body: await response.json() }
  }

  // checkAcknowledged wants every acknowledged revision to be known to the server.
  async checkAcknowledged () {
    const revs = {}
    for (const { id, rev } of this.acknowledged) (revs[id] ??= []).push(rev)
    const missing = await this.couch.json('POST', '/_revs_diff', { json: revs })
    check(Object.keys(missing).length === 0, `acknowledged and gone: ${JSON.stringify(missing).slice(0, 1000)}`)
  }
}
