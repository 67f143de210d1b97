// The comparison of replicas, down to the bytes.

import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { pooled } from './driver.mjs'

const width = 12 // requests at a time
const shown = 5 // differences told

// differentLeaves lists the documents whose leaves are not the same in all replicas.
export async function differentLeaves (replicas) {
  const all = await Promise.all(replicas.map(r => r.leaves()))
  const ids = new Set(all.flatMap(leaves => [...leaves.keys()]))
  const different = []
  for (const id of ids) {
    const seen = all.map(leaves => leaves.get(id))
    if (seen.some(revs => !isDeepStrictEqual(revs, seen[0]))) {
      different.push(`${id}: ` + replicas.map((r, i) => `${r.name} ${JSON.stringify(seen[i])}`).join(', '))
    }
  }
  return { ids: [...ids], different }
}

// compare wants the replicas to hold the same: document ids, winners, leaves with
// their histories and bodies, and attachments byte by byte, each with the digest
// of its bytes. It throws with what differs, or returns what it has compared.
export async function compare (replicas) {
  const { ids, different } = await differentLeaves(replicas)
  fail(different)
  const counts = { documents: ids.length, leaves: 0, deleted: 0, attachments: 0, bytes: 0 }
  const winners = await Promise.all(replicas.map(r => r.winners(ids)))
  await pooled(ids, width, async id => {
    compareWinners(id, replicas, winners, different)
    const all = await Promise.all(replicas.map(async r => byRev(await r.openRevs(id))))
    const first = all[0]
    compareLeaves(id, replicas, all, different)
    for (const leaf of first) await compareAttachments(leaf, replicas, different, counts)
    counts.leaves += first.length
    counts.deleted += first.filter(l => l._deleted).length
    if (different.length > shown) fail(different)
  })
  fail(different)
  return counts
}

function compareWinners (id, replicas, winners, different) {
  const seen = winners.map(w => w.get(id))
  if (seen.some(rev => rev !== seen[0])) different.push(`${id}: winners ${replicas.map((r, i) => `${r.name} ${seen[i]}`).join(', ')}`)
}

// compareLeaves compares the revpos of attachments only between replicas that keep it.
function compareLeaves (id, replicas, all, different) {
  for (let i = 1; i < all.length; i++) {
    const revpos = replicas[0].revpos && replicas[i].revpos
    const [a, b] = [all[0], all[i]].map(leaves => leaves.map(leaf => normal(leaf, revpos)))
    if (!isDeepStrictEqual(a, b)) different.push(`${id}: ${replicas[0].name} and ${replicas[i].name} differ:\n${difference(a, b)}`)
  }
}

// normal is a leaf without the revpos of attachments, unless revpos is asked for,
// and without an empty list of them, which PouchDB keeps and CouchDB does not.
function normal ({ _attachments: stubs = {}, ...leaf }, revpos) {
  if (Object.keys(stubs).length === 0) return leaf
  if (revpos) return { ...leaf, _attachments: stubs }
  const bare = Object.entries(stubs).map(([name, { revpos, ...stub }]) => [name, stub])
  return { ...leaf, _attachments: Object.fromEntries(bare) }
}

// difference shows the members that differ between two lists of leaves.
function difference (a, b) {
  if (a.length !== b.length) return `${a.length} and ${b.length} leaves`
  return a.flatMap((leaf, i) => {
    const names = Object.keys({ ...leaf, ...b[i] }).filter(name => !isDeepStrictEqual(leaf[name], b[i][name]))
    return names.map(name => `  ${leaf._rev} ${name}: ${text(leaf[name])}\n  ${b[i]._rev} ${name}: ${text(b[i][name])}`)
  }).join('\n')
}

async function compareAttachments (leaf, replicas, different, counts) {
  for (const [name, stub] of Object.entries(leaf._attachments ?? {})) {
    const contents = await Promise.all(replicas.map(r => r.attachment(leaf._id, name, leaf._rev)))
    contents.forEach(({ type, data }, i) => {
      const where = `${leaf._id} ${leaf._rev} ${JSON.stringify(name)} in ${replicas[i].name}`
      const digest = 'md5-' + createHash('md5').update(data).digest('base64')
      if (digest !== stub.digest) different.push(`${where}: the bytes have the digest ${digest}, the document says ${stub.digest}`)
      if (data.length !== stub.length) different.push(`${where}: ${data.length} bytes, the document says ${stub.length}`)
      if (!data.equals(contents[0].data)) different.push(`${where}: the bytes are not those in ${replicas[0].name}`)
      if (type !== stub.content_type) different.push(`${where}: type ${type}, the document says ${stub.content_type}`)
    })
    counts.attachments++
    counts.bytes += stub.length
  }
}

// byRev brings leaves into the order of their revisions.
export function byRev (leaves) {
  return leaves.sort((a, b) => a._rev < b._rev ? -1 : 1)
}

function text (value) {
  return String(JSON.stringify(value)).slice(0, 1000)
}

function fail (different) {
  if (different.length === 0) return
  throw new Error(`${different.length} or more differences:\n${different.slice(0, shown).join('\n')}`)
}
