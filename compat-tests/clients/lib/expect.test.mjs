// The expectations must fail where they should.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import test from 'node:test'
import { bytesOf, eventually, rejects, same } from './expect.mjs'

const refuse = (status, answer = {}) => async () => { throw Object.assign(new Error('refused'), status, answer) }

test('same', () => {
  same({ a: [1, { b: null }] }, { a: [1, { b: null }] }, 'value')
  assert.throws(() => same({ a: 1, b: undefined }, { a: 1 }, 'value'), /value: {"a":1} instead of {"a":1}/)
  assert.throws(() => same([1, 2], [2, 1], 'order'), /order: \[1,2\] instead of \[2,1\]/)
})

test('rejects', async () => {
  const answer = { error: 'conflict', reason: 'Document update conflict.' }
  for (const status of [{ status: 409 }, { statusCode: 409 }]) {
    assert.equal((await rejects(409, refuse(status, answer), answer.error, answer.reason)).reason, answer.reason)
  }
  await assert.rejects(rejects(409, async () => ({ ok: true })), /409 was expected, not {"ok":true}/)
  await assert.rejects(rejects(409, refuse({ status: 404 })), /404 instead of 409/)
  await assert.rejects(rejects(409, refuse({ status: 409 }, answer), 'conflict', 'other'), /instead of \["conflict","other"\]/)
  await assert.rejects(rejects(409, refuse({})), /undefined instead of 409/)
})

test('eventually', async () => {
  let tries = 0
  await eventually(5000, () => ++tries < 3 ? 'not yet' : undefined)
  assert.equal(tries, 3)
  await assert.rejects(eventually(100, () => 'still wrong'), /after 0.1 s: still wrong/)
  await assert.rejects(eventually(5000, async () => { throw new Error('hopeless') }), /hopeless/)
})

test('bytesOf', async () => {
  assert.equal(String(await bytesOf(Readable.from([Buffer.from('a'), Buffer.from('b')]))), 'ab')
  await assert.rejects(bytesOf(new Readable({ read () { this.destroy(new Error('torn')) } })), /torn/)
})
