// A server's database and PouchDBs beside it, with a look at what is sent.

import PouchDB from 'pouchdb'
import { compare } from './compare.mjs'
import { pouch, server } from './replica.mjs'

// Site is a database of the server, as a PouchDB, and local ones beside it. It
// keeps the requests to the server's and can have one of them fail.
export class Site {
  requests = [] // {method, path, query, body}
  #failing // {path, left}

  constructor (url, dir) {
    this.url = url
    this.dir = dir
    this.remote = new PouchDB(url, { fetch: (...args) => this.#fetch(...args) })
  }

  local (name) { return new PouchDB(`${this.dir}-${name}`) }

  async #fetch (url, options = {}) {
    const { pathname, searchParams } = new URL(url)
    const last = pathname.split('/').at(-1)
    this.requests.push({ method: options.method ?? 'GET', path: last, query: searchParams, body: options.body })
    const response = await PouchDB.fetch(url, options)
    if (this.#failing?.path === last && --this.#failing.left === 0) {
      this.#failing = undefined
      await response.arrayBuffer()
      throw new Error('the answer got lost')
    }
    return response
  }

  // loseAnswer lets the n-th answer from now on to requests of the path get lost.
  loseAnswer (path, n) { this.#failing = { path, left: n } }

  of (path) { return this.requests.filter(r => r.path === path) }

  // compare wants the server and the local databases to hold the same.
  compare (...locals) {
    return compare([server('the server', this.url), ...locals.map((db, i) => pouch(`PouchDB ${i + 1}`, db, true))])
  }
}
