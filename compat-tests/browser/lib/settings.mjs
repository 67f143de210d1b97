// What an administrator sets up on a server.

import { Couch } from '../../clients/lib/couch.mjs'

// configure sets values {section: {key: value}}.
export async function configure (url, values) {
  const couch = new Couch(url)
  for (const [section, keys] of Object.entries(values)) {
    for (const [key, value] of Object.entries(keys)) await couch.json('PUT', `_node/_local/_config/${section}/${key}`, { json: value })
  }
}

// allow lets pages of the origins use the server with their cookies.
export function allow (url, ...origins) {
  return configure(url, {
    chttpd: { enable_cors: 'true' },
    cors: {
      origins: origins.join(', '),
      credentials: 'true',
      methods: 'GET, PUT, POST, HEAD, DELETE',
      headers: 'accept, authorization, content-type, origin, referer, x-csrf-token'
    }
  })
}

export function makeUser (url, name, password) {
  const id = `org.couchdb.user:${name}`
  return new Couch(`${url}/_users`).json('PUT', Couch.document(id), { json: { _id: id, type: 'user', name, password, roles: [] } })
}

// makeDatabase makes a database that one user may use.
export async function makeDatabase (url, name, user) {
  const couch = new Couch(`${url}/${name}`)
  await couch.create()
  await couch.json('PUT', '/_security', { json: { admins: {}, members: { names: [user] } } })
  return couch
}

// setUp lets cookies come from other sites and makes a user with databases. It
// returns what they log in with.
export async function setUp (url, ...databases) {
  await configure(url, { chttpd_auth: { same_site: 'None' } })
  const user = { name: 'ida', password: 'a secret' }
  await makeUser(url, user.name, user.password)
  for (const name of databases) await makeDatabase(url, name, user.name)
  return user
}
