// The cases of a metadata replica, with PouchDB in a page.
//
// Parameters: {url, dir, chromium, seed}

import { parameters, run, timed } from '../clients/lib/driver.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { Place } from '../metadata/place.mjs'
import { cases } from '../metadata/replicas.mjs'
import { Browser, call } from './lib/browser.mjs'
import { Pages } from './lib/pages.mjs'
import { allow } from './lib/settings.mjs'

run(async () => {
  const { url, dir, chromium } = parameters()
  const pages = await new Pages().start()
  await allow(url, pages.name)
  const browser = await new Browser().start(chromium, dir)
  const page = await browser.open(pages.name)
  const server = new Couch(url)
  for (const [name, fn] of Object.entries(cases)) {
    const place = new Place(url, '', name.toLowerCase())
    place.local = local => new Local(page, `${name}-${local}`)
    await place.couch.create()
    await timed(name, () => fn(place, server))
  }
  browser.checkErrors()
  await browser.close()
})

// Local is a PouchDB in a page, with what the cases need of one.
class Local {
  constructor (page, name) {
    this.pouch = (method, ...args) => call(page, 'pouch', name, method, ...args)
    const replicate = direction => url => replication(call(page, 'replicate', name, direction, url))
    this.replicate = { from: replicate('from'), to: replicate('to') }
  }

  get (...args) { return this.pouch('get', ...args) }

  put (...args) { return this.pouch('put', ...args) }

  remove (...args) { return this.pouch('remove', ...args) }

  putAttachment (id, name, rev, data, type) { return this.pouch('putAttachment', id, name, rev, data.toString('base64'), type) }
}

// replication is a replication's end in the form that PouchDB gives it, with the event
// of documents that were denied.
function replication (ended) {
  const listeners = []
  const result = ended.then(({ ok, written, failures, denied }) => {
    for (const doc of denied) listeners.forEach(listener => listener(doc))
    return { ok, docs_written: written, doc_write_failures: failures }
  })
  return Object.assign(result, { on: (_, listener) => { listeners.push(listener) } })
}
