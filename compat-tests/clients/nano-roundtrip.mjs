// nano takes all leaves of a PouchDB, Debian's package index and files of this
// machine with conflicts and deletions, to the server and from there into another
// PouchDB; then all three must hold the same. Documents go with their histories,
// attachments within them.
//
// Parameters: {url, dir, seed, documents, bytes}

import path from 'node:path'
import Nano from 'nano'
import PouchDB from 'pouchdb'
import { check, parameters, pooled, run, say, timed } from './lib/driver.mjs'
import { compare } from './lib/compare.mjs'
import { same } from './lib/expect.mjs'
import { attachments } from './lib/files.mjs'
import { load } from './lib/history.mjs'
import { packages } from './lib/packages.mjs'
import { Random } from './lib/random.mjs'
import { pouch, server } from './lib/replica.mjs'

const batch = 2e6 // characters of a _bulk_docs, or little more
const width = 8 // requests at a time

run(async () => {
  const { url, dir, seed, documents, bytes } = parameters()
  const random = new Random(seed)
  const first = new PouchDB(path.join(dir, 'first'))
  const second = new PouchDB(path.join(dir, 'second'))
  await timed('loaded', async () => load(first, await packages(documents), attachments(random, bytes), random))

  const nano = Nano(url)
  await nano.db.create('roundtrip')
  const db = nano.use('roundtrip')
  const ids = (await first.changes()).results.map(row => row.id)
  const send = docs => db.bulk({ docs, new_edits: false }).then(refused => same(refused, [], 'refused'))
  await timed('pushed', () => copy(ids, (id, options) => first.get(id, options), send))
  const listed = (await db.changes({ style: 'all_docs' })).results.map(row => row.id)
  same(listed.toSorted(), ids.toSorted(), 'the ids in the changes')
  await timed('pulled', () => copy(listed, (id, options) => db.get(id, options), docs => second.bulkDocs(docs, { new_edits: false })))

  const replicas = [pouch('the first PouchDB', first, false), server('the server', `${url}/roundtrip`), pouch('the second PouchDB', second, true)]
  const counts = await timed('compared', () => compare(replicas))
  say(`${counts.documents} documents, ${counts.leaves} leaves (${counts.deleted} deleted), ${counts.attachments} attachments of ${(counts.bytes / 1e6).toFixed(1)} MB`)
  check(counts.leaves > counts.documents && counts.attachments > 0, 'there was no conflict, or no attachment')
  same(await db.bulk({ docs: (await leaves(first, listed[0])), new_edits: false }), [], 'what is there, once more')
  same((await db.info()).doc_count, (await first.info()).doc_count, 'doc_count')
})

async function leaves (db, id) {
  const rows = await db.get(id, { open_revs: 'all', revs: true, attachments: true })
  return rows.map(({ ok }) => ok)
}

// copy reads every leaf of the documents and writes them in batches.
async function copy (ids, get, write) {
  let docs = []
  let size = 0
  await pooled(ids, width, async id => {
    for (const doc of await leaves({ get }, id)) {
      docs.push(doc)
      size += JSON.stringify(doc).length
    }
    if (size < batch) return
    const full = docs
    docs = []
    size = 0
    await write(full)
  })
  await write(docs)
}
