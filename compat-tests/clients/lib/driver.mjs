// What a script says to the test that runs it, over standard input and output,
// a line each:
//
//   script: CHECKPOINT name    the test does what it has under that name
//   test:   name               it is done
//
// Every other line of the script goes to the test's log.

import readline from 'node:readline'
import { inspect } from 'node:util'

let answers // the lines of standard input, which are read from the first checkpoint on

// checkpoint lets the test act, and resolves when it has.
export async function checkpoint (name) {
  answers ??= readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  console.log(`CHECKPOINT ${name}`)
  const { value, done } = await answers.next()
  if (done) throw new Error(`the test ended at checkpoint ${name}`)
  if (value !== name) throw new Error(`checkpoint ${name} was answered ${value}`)
}

const started = performance.now()

// say prints a line with the seconds since the start.
export function say (text) {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`)
}

// timed runs fn and prints how long it took, with what describe makes of its result.
export async function timed (name, fn, describe = () => '') {
  const start = performance.now()
  const result = await fn()
  const seconds = (performance.now() - start) / 1000
  say(`${name}: ${seconds.toFixed(2)} s ${describe(result, seconds)}`.trimEnd())
  return result
}

// parameters reads the settings that the test passes as one JSON argument.
export function parameters () {
  return JSON.parse(process.argv[2])
}

// check fails the script unless the condition holds.
export function check (condition, message) {
  if (!condition) throw new Error(message)
}

// run runs a script's main function and ends the process with it: status 0, or
// 1 after an error.
export function run (main) {
  main().then(() => process.exit(0), error => {
    console.log(inspect(error, { depth: 3, maxStringLength: 1000 })) // with what the clients hang on their errors
    process.exit(1)
  })
}

// pooled calls fn for every item of an array, at most `width` calls at a time, and gives up
// at the first error.
export async function pooled (items, width, fn) {
  const iterator = items[Symbol.iterator]() // shared by the workers
  let failed = false
  const worker = async () => {
    for (const item of iterator) {
      if (failed) return
      await fn(item)
    }
  }
  await Promise.all(Array.from({ length: width }, () => worker().catch(error => { failed = true; throw error })))
}
