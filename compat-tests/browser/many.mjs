// One page keeps many databases in live replication with one server at once,
// which HTTP/1.1 does not allow: a browser has six connections to an origin. Each
// feed must show a new document while all others wait. The server lets pages of
// any origin in.
//
// Parameters: {url, dir, chromium, databases}

import { check, parameters, run, say, timed } from '../clients/lib/driver.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { eventually, same } from '../clients/lib/expect.mjs'
import { Browser, call } from './lib/browser.mjs'
import { Pages } from './lib/pages.mjs'
import { setUp } from './lib/settings.mjs'
import { Traffic } from './lib/traffic.mjs'

const limit = 30e3 // milliseconds in which a document has to arrive

run(async () => {
  const { url, dir, chromium, databases } = parameters()
  const { origin } = new URL(url)
  const names = Array.from({ length: databases }, (_, i) => `live-${i}`)
  const pages = await new Pages().start()
  const user = await setUp(url, ...names)
  const browser = await new Browser().start(chromium, dir)
  const page = await browser.open(pages.name)
  const traffic = await new Traffic().watch(page, origin)
  await call(page, 'ask', 'POST', `${origin}/_session`, user)
  for (const db of names) await call(page, 'sync', db, `${origin}/${db}`)
  await timed(`${databases} feeds wait at once`, () => eventually(limit, async () => {
    same(await call(page, 'problems'), [], 'problems of the replications')
    const waiting = traffic.waiting('_changes')
    if (waiting.size < databases) return `only ${waiting.size} feeds wait: ${[...waiting].join(' ')}`
  }))

  const write = (db, round) => new Couch(`${url}/${db}`).json('PUT', `/${round}`, { json: { db } })
  for (const db of names) await timed(`a document for ${db}`, () => arrives(page, [db], 'one by one', () => write(db, 'one by one')))
  await timed('documents for all', () => arrives(page, names, 'at once', () => Promise.all(names.map(db => write(db, 'at once')))))
  await timed('documents of the page', () => leave(page, url, names))
  same(await call(page, 'problems'), [], 'problems of the replications')
  say(`${traffic.requests.length} requests by ${[...traffic.protocols].join(', ')}`)
  same([...traffic.protocols], ['h2'], 'protocols')
  browser.checkErrors()
  await browser.close()
})

// arrives writes on the server and waits until the page has the document in each
// of the databases.
async function arrives (page, names, id, write) {
  await write()
  await eventually(limit, async () => {
    const found = await Promise.all(names.map(async db => (await call(page, 'get', db, id))?.db))
    const missing = names.filter((db, i) => found[i] !== db)
    if (missing.length > 0) return `${id}: nothing in ${missing.join(', ')}`
  })
}

// leave writes in the page and waits until the server has each document.
async function leave (page, url, names) {
  await Promise.all(names.map(db => call(page, 'put', db, { _id: 'of the page', db })))
  await eventually(limit, async () => {
    const answers = await Promise.all(names.map(db => new Couch(`${url}/${db}`).response('GET', '/of%20the%20page')))
    const missing = names.filter((db, i) => !answers[i].ok)
    if (missing.length > 0) return `nothing on the server in ${missing.join(', ')}`
  })
  check(names.length > 6, 'a browser has six connections of HTTP/1.1')
}
