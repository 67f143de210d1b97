// PouchDB sends every attachment again with each edit of a document. Checkpoints:
// "stored" once the attachments are there, "edited" when they have come again often.
//
// Parameters: {url, dir, seed, operations, bytes}

import { check, checkpoint, parameters, run, say } from '../clients/lib/driver.mjs'
import { same } from '../clients/lib/expect.mjs'
import { PouchDB } from '../clients/lib/npm.mjs'
import { Random } from '../clients/lib/random.mjs'
import { digest, Place } from './place.mjs'

run(async () => {
  const { url, dir, seed, operations, bytes } = parameters()
  const random = new Random(seed)
  const place = new Place(url, dir, 'unchanged')
  await place.couch.create()
  const wire = counting(place.ordinaryURL)
  const local = place.local('one')
  const small = Buffer.from(random.hex(200))
  const large = Buffer.alloc(bytes, random.hex(100_003))
  let { rev } = await local.put({ _id: 'a', n: 0, _attachments: { small: attachment(small), large: attachment(large) } })
  check((await local.replicate.to(wire.db)).docs_written === 1, 'not written')
  await checkpoint('stored')
  wire.bytes = 0
  for (let n = 1; n <= operations; n++) {
    const doc = await local.get('a')
    rev = (await local.put({ ...doc, n })).rev
    same((await local.replicate.to(wire.db)).docs_written, 1, 'written')
  }
  say(`${operations} edits sent ${(wire.bytes / 1e6).toFixed(1)} MB`)
  check(wire.bytes > operations * bytes, 'PouchDB has not sent the attachments again')
  await checkpoint('edited')
  const doc = await place.get('a')
  same([doc._rev, doc.n], [rev, operations], 'the last edit')
  for (const [name, content] of Object.entries({ small, large })) {
    const answer = await place.couch.answer('GET', `/a/${name}`, { headers: { accept: '*/*' } })
    same(digest(Buffer.from(await answer.arrayBuffer())), digest(content), name)
  }
})

function attachment (data) { return { content_type: 'application/octet-stream', data } }

// counting is a server's database, for PouchDB, that counts the bytes of bodies.
function counting (url) {
  const wire = { bytes: 0 }
  wire.db = new PouchDB(url, {
    fetch (url, options) {
      wire.bytes += options?.body?.length ?? options?.body?.size ?? 0
      return PouchDB.fetch(url, options)
    }
  })
  return wire
}
