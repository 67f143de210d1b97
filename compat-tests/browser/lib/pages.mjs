// A web server for pages, so that they have an origin of their own.

import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import mime from '../../clients/node_modules/mime-types/index.js'

const here = path.resolve(import.meta.dirname, '..')
const clients = path.resolve(here, '../clients')

export const reader = path.resolve(here, '../../docs/reader')

// Where the files of a path's beginning are; the longest beginning counts.
const directories = {
  '/': path.join(here, 'page'),
  '/clients/': path.join(clients, 'lib'),
  '/pouchdb.js': path.join(clients, 'node_modules/pouchdb/dist/pouchdb.js'),
  '/reader/': reader,
  '/reader/node_modules/': path.join(here, 'node_modules'),
  '/reader/node_modules/pouchdb/': path.join(clients, 'node_modules/pouchdb')
}

// Pages is a running server. Its two origins are of two sites: a browser sends a
// cookie from one to the other only if the cookie's SameSite allows it.
export class Pages {
  #files = []

  async start () {
    this.server = http.createServer((request, response) => this.#answer(request, response))
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve))
    const { port } = this.server.address()
    this.number = `http://127.0.0.1:${port}`
    this.name = `http://localhost:${port}`
    return this
  }

  // offer serves files {name, content_type, data} and returns them with a url, in
  // the place of the data, for pages.
  offer (files) {
    const first = this.#files.length
    this.#files.push(...files)
    return files.map(({ data, ...file }, i) => ({ ...file, url: `/files/${first + i}` }))
  }

  #answer ({ url }, response) {
    const { pathname } = new URL(url, this.number)
    const number = pathname.match(/^\/files\/(\d+)$/)?.[1]
    if (number) return send(response, 'application/octet-stream', this.#files[number]?.data)
    const file = fileOf(pathname)
    const data = fs.existsSync(file) ? fs.readFileSync(file) : undefined
    send(response, mime.contentType(path.extname(file)) || 'application/octet-stream', data)
  }
}

function send (response, type, data) {
  response.writeHead(data ? 200 : 404, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(data)
}

function fileOf (pathname) {
  const beginning = Object.keys(directories).filter(b => pathname.startsWith(b)).sort((a, b) => b.length - a.length)[0]
  const below = pathname.slice(beginning.length)
  return path.join(directories[beginning], below || (beginning.endsWith('/') ? 'index.html' : ''))
}
