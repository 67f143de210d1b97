// Documents with a past: edits, tombstones, conflicts, attachments that change.

import { inline } from './inline.mjs'

const batch = 500

// write stores documents and wants all of them accepted. It returns their revisions.
export async function write (db, docs, options) {
  const revs = []
  for (let i = 0; i < docs.length; i += batch) {
    for (const row of await db.bulkDocs(docs.slice(i, i + batch), options)) {
      if (row.error) throw new Error(`bulkDocs: ${JSON.stringify(row)}`)
      revs.push(row.rev)
    }
  }
  return revs
}

// load fills an empty PouchDB with documents and gives some of them a past:
// further edits, a deletion, a deletion and a new life, and conflicts of two and
// three leaves, deleted ones among them. It spreads the attachments over some,
// and edits, removes and replaces some of those again.
export async function load (db, docs, files, random) {
  const revs = await write(db, docs)
  const current = docs.map((doc, i) => ({ ...doc, _rev: revs[i] }))
  const some = share => current.filter(() => random.chance(share))
  for (let round = 0; round < 3; round++) await edit(db, some(0.1), doc => ({ ...doc, round }))
  const dead = some(0.03)
  await edit(db, dead, ({ _id, _rev }) => ({ _id, _rev, _deleted: true }))
  await edit(db, dead.filter((_, i) => i % 3 === 0), ({ _id }) => ({ _id, again: true }))
  await attach(db, current.filter(doc => !dead.includes(doc)), files, random)
  await write(db, some(0.04).flatMap(doc => branches(doc, random)), { new_edits: false })
}

// edit writes what change makes of each document and keeps the new revisions.
async function edit (db, docs, change) {
  const edited = docs.map(change)
  const revs = await write(db, edited)
  docs.forEach((doc, i) => Object.assign(doc, edited[i], { _rev: revs[i] }))
}

// branches are one or two further leaves of the document's first generations.
function branches (doc, random) {
  return Array.from({ length: 1 + random.int(2) }, (_, i) => {
    const ids = Array.from({ length: 1 + random.int(4) }, () => random.hex(32))
    const leaf = { _id: doc._id, branch: i, _revisions: { start: ids.length, ids }, _rev: `${ids.length}-${ids[0]}` }
    return random.chance(0.2) ? { ...leaf, _deleted: true } : leaf
  })
}

async function attach (db, docs, files, random) {
  const holders = []
  for (let i = 0; i < files.length;) {
    const doc = docs[random.int(docs.length)]
    if (holders.includes(doc)) continue
    const some = files.slice(i, i += 1 + random.int(4))
    const { rev } = await db.put({ ...doc, _attachments: inline(some) })
    doc._rev = rev
    holders.push(doc)
  }
  for (const doc of holders.filter(() => random.chance(0.3))) await change(db, doc, files, random)
}

// change edits a document with attachments: it leaves them as they are, removes
// one, replaces one, or adds one.
async function change (db, doc, files, random) {
  const stored = await db.get(doc._id)
  const names = Object.keys(stored._attachments)
  stored.changed = true
  const small = () => random.pick(files.filter(f => f.data.length < 100e3))
  switch (random.int(4)) {
    case 0: delete stored._attachments[random.pick(names)]; break
    case 1: stored._attachments[random.pick(names)] = inline([{ ...small(), name: 'x' }]).x; break
    case 2: Object.assign(stored._attachments, inline([small()]))
  }
  doc._rev = (await db.put(stored)).rev
}
