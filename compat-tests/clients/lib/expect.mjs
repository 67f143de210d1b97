// What a client's answers are held against.

import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './driver.mjs'

const shown = 1000 // characters of a value

// same wants two values to be deeply equal.
export function same (got, want, what) {
  check(isDeepStrictEqual(got, want), `${what}: ${text(got)} instead of ${text(want)}`)
}

// rejects wants a request to fail with the given status and, where they are
// given, the error and the reason of the server's answer. It returns the error.
export async function rejects (status, request, error, reason) {
  let result
  try {
    result = await request()
  } catch (thrown) {
    const got = thrown.statusCode ?? thrown.status // of nano, of PouchDB
    check(got === status, `${got} instead of ${status}: ${thrown.stack}`)
    if (error) same([thrown.error, thrown.reason], [error, reason], `the answer of status ${status}`)
    return thrown
  }
  throw new Error(`${status} was expected, not ${text(result)}`)
}

// eventually tries fn until it returns undefined; anything else says what is
// still wrong. It gives up after the milliseconds of limit.
export async function eventually (limit, fn) {
  const deadline = Date.now() + limit
  for (;;) {
    const wrong = await fn()
    if (wrong === undefined) return
    check(Date.now() < deadline, `after ${limit / 1000} s: ${wrong}`)
    await sleep(50)
  }
}

// bytesOf reads a stream to its end.
export async function bytesOf (stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function text (value) {
  return String(JSON.stringify(value)).slice(0, shown)
}
