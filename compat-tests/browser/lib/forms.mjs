// The two forms of a document: the ordinary one, and that of a metadata replica,
// where `attachments_meta` stands for attachments that stayed on the server.

import { isDeepStrictEqual } from 'node:util'
import { pooled } from '../../clients/lib/driver.mjs'
import { byRev, differentLeaves } from '../../clients/lib/compare.mjs'

const width = 12 // requests at a time
const shown = 5 // differences told

// compareForms wants an ordinary replica and one that replicates with a metadata
// view to hold the same leaves: bodies, histories, and the names, types, lengths
// and digests of attachments. It throws with what differs, or returns how many
// attachments are {here} in the metadata replica and how many {deferred}.
export async function compareForms (ordinary, metadata) {
  const { ids, different } = await differentLeaves([ordinary, metadata])
  const counts = { here: 0, deferred: 0 }
  await pooled(ids, width, async id => {
    const [a, b] = await Promise.all([ordinary, metadata].map(async r => byRev(await r.openRevs(id))))
    if (!isDeepStrictEqual(a.map(common), b.map(common))) different.push(`${id}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`)
    for (const { _attachments = {}, attachments_meta: deferred = {} } of b) {
      counts.here += Object.keys(_attachments).length
      counts.deferred += Object.keys(deferred).length
    }
  })
  if (different.length > 0) throw new Error(`${different.length} documents differ:\n${different.slice(0, shown).join('\n')}`)
  return counts
}

// common is what a leaf holds in both forms. A name in both members is one that
// was attached here over a deferred one.
function common ({ _attachments = {}, attachments_meta: deferred = {}, ...leaf }) {
  const all = Object.entries({ ...deferred, ..._attachments }).map(([name, { content_type: type, length, digest }]) => [name, { type, length, digest }])
  return { ...leaf, attachments: Object.fromEntries(all) }
}
