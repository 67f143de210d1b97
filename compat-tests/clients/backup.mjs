// @cloudant/couchbackup backs a database up into a file and restores it into a
// new one, with attachments, in both of its modes.
//
// Parameters: {url, dir, seed, documents, bytes}

import fs from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import couchbackup from '@cloudant/couchbackup'
import PouchDB from 'pouchdb'
import { compare } from './lib/compare.mjs'
import { Couch } from './lib/couch.mjs'
import { check, parameters, run, say, timed } from './lib/driver.mjs'
import { attachments } from './lib/files.mjs'
import { load } from './lib/history.mjs'
import { packages } from './lib/packages.mjs'
import { Random } from './lib/random.mjs'
import { server } from './lib/replica.mjs'

run(async () => {
  const { url, dir, seed, documents, bytes } = parameters()
  const random = new Random(seed)
  const source = `${url}/source`
  const remote = new PouchDB(source)
  await timed('loaded', async () => load(remote, await packages(documents), attachments(random, bytes), random))

  const full = path.join(dir, 'full')
  await timed('full backup', () => backup(source, full, { mode: 'full', attachments: true, log: full + '.log' }), totals(full))
  await create(`${url}/full`)
  await timed('restored', () => restore(full, `${url}/full`, { attachments: true }), totals(full))
  const counts = await timed('compared', () => compare([server('the source', source), server('the restored database', `${url}/full`)]))
  say(`${counts.documents} documents, ${counts.leaves} leaves (${counts.deleted} deleted), ${counts.attachments} attachments of ${(counts.bytes / 1e6).toFixed(1)} MB`)

  const plain = `${url}/plain`
  await timed('loaded without attachments', async () => load(new PouchDB(plain), await packages(documents), [], random))
  const shallow = path.join(dir, 'shallow')
  await timed('shallow backup', () => backup(plain, shallow, { mode: 'shallow' }), totals(shallow))
  await create(`${url}/shallow`)
  await timed('restored', () => restore(shallow, `${url}/shallow`, {}), totals(shallow))
  await timed('compared', () => compareWinners(new Couch(plain), new Couch(`${url}/shallow`)))
})

function create (url) {
  return new Couch(url).create()
}

// backup resolves with {total}, the documents written.
function backup (source, file, options) {
  return new Promise((resolve, reject) => {
    const stream = fs.createWriteStream(file)
    couchbackup.backup(source, stream, { ...options, parallelism: 2 }, (error, result) => {
      if (error) reject(error)
      else stream.end(() => resolve(result))
    })
  })
}

// restore resolves with {total}, the documents read.
function restore (file, target, options) {
  return new Promise((resolve, reject) => {
    couchbackup.restore(fs.createReadStream(file), target, { ...options, parallelism: 2 }, (error, result) => error ? reject(error) : resolve(result))
  })
}

function totals (file) {
  return ({ total }) => `${total} revisions, a file of ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`
}

// compareWinners wants the restored database to have the winners of the source
// and nothing else; a shallow backup has no more.
async function compareWinners (source, restored) {
  const list = couch => couch.json('GET', '/_all_docs', { query: { include_docs: true } })
  const [a, b] = await Promise.all([list(source), list(restored)])
  check(a.rows.length === b.rows.length, `${a.rows.length} documents were backed up, ${b.rows.length} restored`)
  a.rows.forEach((want, i) => {
    check(isDeepStrictEqual(b.rows[i].doc, want.doc), `${want.id}: ${JSON.stringify(b.rows[i])} instead of ${JSON.stringify(want)}`)
  })
}
