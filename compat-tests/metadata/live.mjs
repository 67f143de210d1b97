// Two PouchDBs in live replication with the metadata view edit, attach, delete and
// conflict at random, a third writer does so in the ordinary view, and the database
// is compacted meanwhile. Then all have the same leaves with the same lists of
// attachments, and the server has every content that is listed.
//
// Parameters: {url, dir, seed, operations, bytes}

import { isDeepStrictEqual } from 'node:util'
import { check, parameters, pooled, run, say, timed } from '../clients/lib/driver.mjs'
import { differentLeaves } from '../clients/lib/compare.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { Editor } from '../clients/lib/editor.mjs'
import { attachments } from '../clients/lib/files.mjs'
import { Random } from '../clients/lib/random.mjs'
import { pouch, server } from '../clients/lib/replica.mjs'
import { Writer } from '../clients/lib/writer.mjs'
import { digest, listed, Place } from './place.mjs'

const agreement = 60e3 // milliseconds that the replicas have to agree
const width = 8 // requests at a time

run(async () => {
  const { url, dir, seed, operations, bytes } = parameters()
  const place = new Place(url, dir, 'live')
  await place.couch.create()
  await place.couch.json('PUT', '/_metadata_options', { json: { inline_max: 500 } })
  const files = attachments(new Random(seed), bytes)
  const locals = ['first', 'second'].map(name => place.local(name))
  const syncs = locals.map(db => live(db, place.metaURL))
  const workers = [
    ...locals.map((db, i) => new Editor(db, files, new Random(seed + 1 + i))),
    new Writer(place.couch, files, new Random(seed + 3)),
    new Lister(place.meta, new Random(seed + 4))
  ]
  for (const half of ['first half', 'second half']) {
    await timed(half, () => Promise.all(workers.map(async worker => {
      for (let i = 0; i < operations / 2; i++) await worker.step()
    })))
    await place.compact()
  }
  const remote = server('the server', place.metaURL)
  const replicas = [...locals.map((db, i) => pouch(`PouchDB ${i + 1}`, db, true)), remote]
  await timed('agreed', () => agree(replicas, syncs))
  syncs.forEach(sync => sync.cancel())
  const counts = await timed('compared', () => compare(place, replicas))
  say(JSON.stringify(counts))
  workers.forEach(worker => say(JSON.stringify(worker.done)))
  check(counts.leaves > counts.documents, 'no conflict was made')
  check(counts.attachments > 20, 'hardly an attachment was left')
})

function live (db, url) {
  const sync = db.sync(url, { live: true, retry: true })
  sync.problems = []
  sync.on('denied', doc => sync.problems.push(`denied: ${JSON.stringify(doc)}`))
  sync.on('error', error => sync.problems.push(`ended: ${error.stack ?? JSON.stringify(error)}`))
  return sync
}

// Lister renames and removes what documents list, and lists the same content twice,
// through the metadata view.
class Lister {
  done = {}

  constructor (couch, random) { Object.assign(this, { couch, random }) }

  async step () {
    const { rows } = await this.couch.json('GET', '/_all_docs', { query: { include_docs: true, limit: 1000 } })
    const docs = rows.map(row => row.doc).filter(doc => doc.attachments_meta)
    if (docs.length === 0) return
    const doc = this.random.pick(docs)
    const name = this.random.pick(Object.keys(doc.attachments_meta))
    const kind = this.random.pick(['rename', 'remove', 'twice', 'retype', 'edit'])
    const { [name]: entry, ...others } = doc.attachments_meta
    const list = {
      rename: { ...others, [this.random.hex(8)]: entry },
      remove: others,
      twice: { ...doc.attachments_meta, [this.random.hex(8)]: entry },
      retype: { ...others, [name]: { ...entry, content_type: 'text/x-other' } },
      edit: doc.attachments_meta
    }[kind]
    const answer = await this.couch.response('PUT', Couch.document(doc._id), { json: { ...doc, listed: this.random.hex(8), attachments_meta: list } })
    check([201, 409].includes(answer.status), `${kind}: ${answer.status} ${await answer.text()}`)
    this.done[answer.status === 409 ? 'conflict' : kind] = (this.done[answer.status === 409 ? 'conflict' : kind] ?? 0) + 1
  }
}

// agree waits until all replicas have the same leaves.
async function agree (replicas, syncs) {
  const deadline = Date.now() + agreement
  for (;;) {
    const { different } = await differentLeaves(replicas)
    const problems = syncs.flatMap(sync => sync.problems)
    check(problems.length === 0, `the live replication failed:\n${problems.join('\n')}`)
    if (different.length === 0) return
    check(Date.now() < deadline, `${different.length} documents differ:\n${different.slice(0, 5).join('\n')}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

// compare wants every leaf to say the same everywhere, and its attachments to be on
// the server. Which member lists them is each replica's own.
async function compare (place, replicas) {
  const { ids } = await differentLeaves(replicas)
  const counts = { documents: ids.length, leaves: 0, attachments: 0 }
  await pooled(ids, width, async id => {
    const all = await Promise.all(replicas.map(async r => new Map((await r.openRevs(id)).map(leaf => [leaf._rev, leaf]))))
    for (const [rev, leaf] of all.at(-1)) {
      counts.leaves++
      for (const other of all.slice(0, -1)) {
        const [a, b] = [plain(leaf), plain(other.get(rev))]
        check(isDeepStrictEqual(a, b), `${id} ${rev}:\n${JSON.stringify(a)}\n${JSON.stringify(b)}`)
      }
      for (const [name, { type, length, digest: want }] of Object.entries(listed(leaf))) {
        const answer = await place.couch.answer('GET', Couch.document(id, name), { query: { rev }, headers: { accept: '*/*' } })
        const data = Buffer.from(await answer.arrayBuffer())
        check(digest(data) === want && data.length === length && answer.headers.get('content-type') === type, `${id} ${rev} ${name} has another content`)
        counts.attachments++
      }
    }
  })
  return counts
}

function plain ({ attachments_meta: list, _attachments: stubs, ...leaf }) {
  return { ...leaf, attachments: listed({ attachments_meta: list, _attachments: stubs }) }
}
