// A mailbox: a database whose documents of type "delivery" are messages that are
// sealed with age. What is said about a message (its sender, its subject) is in
// the document's member `sealed`, its content in the attachment `content.age`.
// Only who has the identity can open either; the server cannot.

import { Decrypter } from 'age-encryption'

const { PouchDB } = globalThis

export class Mailbox {
  #decrypter = new Decrypter()
  #read = new Map() // "id rev": message

  // The identity is a text "AGE-SECRET-KEY-1…". It stays in this object: it is
  // neither sent nor stored. The constructor throws if it is none.
  constructor ({ server, database, identity }) {
    this.server = server.replace(/\/+$/, '')
    this.database = database
    this.#decrypter.addIdentity(identity.trim())
    this.local = new PouchDB(`metadata ${encodeURIComponent(`${this.server}/${database}`)}`)
  }

  // logIn begins a session with the server, which the browser keeps as a cookie.
  async logIn (name, password) {
    const response = await fetch(`${this.server}/_session`, {
      method: 'POST',
      credentials: 'include',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ name, password })
    })
    if (!response.ok) throw new Error((await response.json()).reason)
  }

  // follow pulls the metadata replica, which brings every document and no
  // attachment, and goes on doing so. It calls changed() after each batch, and
  // failed(error) if it has to give up. What was pulled before is there offline.
  follow (changed, failed) {
    const remote = `${this.server}/_metadata/${encodeURIComponent(this.database)}`
    this.replication = this.local.replicate.from(remote, { live: true, retry: true, batch_size: 1000 })
    this.replication.on('change', changed).on('paused', changed).on('error', failed)
  }

  stop () { this.replication?.cancel() }

  // list is the messages, the newest first: {id, rev, received, size} with
  // {metadata, type, length, sha256}, or with {error} where it cannot be opened.
  async list () {
    const { rows } = await this.local.allDocs({ include_docs: true })
    const deliveries = rows.map(row => row.doc).filter(doc => doc.type === 'delivery')
    const messages = await Promise.all(deliveries.map(doc => this.#message(doc)))
    return messages.sort((a, b) => a.received < b.received ? 1 : -1)
  }

  async #message (doc) {
    const key = `${doc._id} ${doc._rev}`
    if (!this.#read.has(key)) this.#read.set(key, await this.#unseal(doc))
    return this.#read.get(key)
  }

  async #unseal (doc) {
    const message = { id: doc._id, rev: doc._rev, received: doc.received_at, size: doc.size, by: doc.sealed_by }
    try {
      const sealed = Uint8Array.from(atob(doc.sealed), c => c.charCodeAt(0))
      const about = JSON.parse(await this.#decrypter.decrypt(sealed, 'text'))
      if (about.database !== this.database) throw new Error(`sealed for the database ${about.database}`)
      const { metadata, content_type: type, length, sha256 } = about
      return { ...message, metadata: metadata ?? {}, type, length, sha256 }
    } catch (error) {
      return { ...message, metadata: {}, error: error.message }
    }
  }

  // open fetches one message's content, opens it, and checks that it is the one
  // that the list tells of. It is a Blob of the message's type.
  async open ({ id, rev, type, length, sha256, by }) {
    const path = [this.database, id, 'content.age'].map(encodeURIComponent).join('/')
    const response = await fetch(`${this.server}/${path}?rev=${rev}`, { credentials: 'include' })
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    const sealed = new Uint8Array(await response.arrayBuffer())
    const content = await this.#decrypter.decrypt(sealed)
    const delivered = by === 'client' ? sealed : content // what the list describes
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', delivered))
    const hex = Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
    if (delivered.length !== length || hex !== sha256) throw new Error('the content is not that of this message')
    return new Blob([content], { type })
  }
}
