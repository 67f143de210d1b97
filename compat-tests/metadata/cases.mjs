// The cases of a metadata replica, with PouchDB under node.
//
// Parameters: {url, dir, seed}

import { parameters, run, timed } from '../clients/lib/driver.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { Place } from './place.mjs'
import { cases } from './replicas.mjs'

run(async () => {
  const { url, dir } = parameters()
  const server = new Couch(url)
  for (const [name, fn] of Object.entries(cases)) {
    const place = new Place(url, dir, name.toLowerCase())
    await place.couch.create()
    await timed(name, () => fn(place, server))
  }
})
