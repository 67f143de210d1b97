// compare must see every kind of difference.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { compare } from './compare.mjs'
import { Random } from './random.mjs'

const digest = data => 'md5-' + createHash('md5').update(data).digest('base64')

// content is what a replica holds: two documents, one of them in conflict and
// with an attachment.
function content () {
  const data = Buffer.from('some bytes')
  return {
    leaves: new Map([['a', ['1-aa']], ['b', ['2-bb', '2-cc']]]),
    winners: new Map([['a', '1-aa'], ['b', '2-cc']]),
    docs: {
      a: [{ _id: 'a', _rev: '1-aa', n: 1, _revisions: { start: 1, ids: ['aa'] } }],
      b: [
        { _id: 'b', _rev: '2-cc', _revisions: { start: 2, ids: ['cc', 'xx'] }, _attachments: { f: { content_type: 'text/plain', revpos: 2, digest: digest(data), length: data.length, stub: true } } },
        { _id: 'b', _rev: '2-bb', _revisions: { start: 2, ids: ['bb', 'xx'] }, _deleted: true }
      ]
    },
    f: { type: 'text/plain', data }
  }
}

function replica (name, c, revpos = true) {
  return { name, revpos, leaves: async () => c.leaves, winners: async () => c.winners, openRevs: async id => c.docs[id], attachment: async () => c.f }
}

const stub = c => c.docs.b.find(d => d._attachments)._attachments.f

const differences = {
  'a document is missing': [/^a: one .*undefined/m, c => c.leaves.delete('a')],
  'a leaf is missing': [/^b: one/m, c => c.leaves.set('b', ['2-cc'])],
  'another winner': [/winners one 2-cc, other 2-bb/, c => c.winners.set('b', '2-bb')],
  'a winner that is deleted': [/winners/, c => c.winners.set('a', '1-aa deleted')],
  'another body': [/1-aa n: 1\n.*n: 2/, c => { c.docs.a[0].n = 2 }],
  'another history': [/_revisions/, c => { c.docs.a[0]._revisions.ids = ['bb'] }],
  'a leaf that open_revs does not give': [/2 and 1 leaves/, c => c.docs.b.pop()],
  'not deleted': [/_deleted: true/, c => { delete c.docs.b.find(d => d._deleted)._deleted }],
  'no attachments': [/_attachments/, c => { delete c.docs.b.find(d => d._attachments)._attachments }],
  'another digest': [/_attachments/, c => { stub(c).digest = digest('') }],
  'another revpos': [/_attachments/, c => { stub(c).revpos = 1 }],
  'other bytes': [/the bytes have the digest/, c => { c.f.data = Buffer.from('other byte') }],
  'fewer bytes': [/0 bytes, the document says 10/, c => { c.f.data = Buffer.alloc(0) }],
  'another type': [/type text\/html/, c => { c.f.type = 'text/html' }]
}

for (const [name, [message, change]] of Object.entries(differences)) {
  test(`compare sees: ${name}`, async () => {
    const changed = content()
    change(changed)
    await assert.rejects(compare([replica('one', content()), replica('other', changed)]), message)
  })
}

test('compare sees bytes that are wrong everywhere', async () => {
  const changed = content()
  changed.f.data = Buffer.from('other byte')
  await assert.rejects(compare([replica('one', changed), replica('other', changed)]), /the bytes have the digest/)
})

test('compare counts what is the same', async () => {
  const other = content()
  stub(other).revpos = 1
  other.docs.a[0]._attachments = {}
  other.docs.b.reverse()
  assert.deepEqual(await compare([replica('one', content()), replica('other', other, false)]),
    { documents: 2, leaves: 3, deleted: 1, attachments: 1, bytes: 10 })
})

test('random numbers repeat by their seed', () => {
  const draw = seed => { const r = new Random(seed); return [r.next(), r.int(1000), r.hex(8), r.weighted({ a: 1, b: 3 })] }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})
