// Plain requests to a CouchDB server, with no client library between.

// Couch is one database of a server; its URL may carry credentials.
export class Couch {
  #headers
  #url

  constructor (url) {
    const parsed = new URL(url)
    const credentials = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`
    this.#headers = { authorization: 'Basic ' + Buffer.from(credentials).toString('base64'), accept: 'application/json' }
    parsed.username = parsed.password = ''
    this.#url = parsed.href
  }

  // response sends a request and returns the answer whatever its status. Strings
  // in the query are sent as they are, other values as JSON; a body is either
  // `json`, which is encoded, or the bytes of `body`.
  async response (method, path, { query = {}, json, body, headers = {} } = {}) {
    const url = new URL(this.#url + path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value))
    const init = { method, body, headers: { ...this.#headers, ...headers } }
    if (json !== undefined) {
      init.body = JSON.stringify(json)
      init.headers['content-type'] = 'application/json'
    }
    return fetch(url, init)
  }

  // answer is like response and fails on a status that is not 2xx.
  async answer (method, path, options) {
    const response = await this.response(method, path, options)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${(await response.text()).slice(0, 300)}`)
    return response
  }

  // json is the JSON body of the answer.
  async json (method, path, options) {
    const response = await this.answer(method, path, options)
    return response.json()
  }

  create () { return this.json('PUT', '') }
  info () { return this.json('GET', '') }

  // document is the path of a document, or of something below it.
  static document (id, ...below) {
    return '/' + [id, ...below].map(encodeURIComponent).join('/')
  }
}
