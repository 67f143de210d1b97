// Two pages in live replication with the server edit, delete and conflict at
// random with attachments, a third writer does so on the server itself, and the
// server is killed and restarted meanwhile. Then all must agree, and once the
// pages are loaded anew there is nothing left to replicate and every leaf and
// byte is the same.
//
// The pages use the database by the two given paths; one may be that of its
// metadata view.
//
// Parameters: {url, dir, chromium, seed, operations, bytes, paths}

import { check, checkpoint, parameters, run, say, timed } from '../clients/lib/driver.mjs'
import { compare, differentLeaves } from '../clients/lib/compare.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { eventually, same } from '../clients/lib/expect.mjs'
import { attachments } from '../clients/lib/files.mjs'
import { Random } from '../clients/lib/random.mjs'
import { server } from '../clients/lib/replica.mjs'
import { Writer } from '../clients/lib/writer.mjs'
import { Browser, call, inPage } from './lib/browser.mjs'
import { compareForms } from './lib/forms.mjs'
import { Pages } from './lib/pages.mjs'
import { allow, setUp } from './lib/settings.mjs'

const agreement = 60e3 // milliseconds that the replicas have to agree

run(async () => {
  const { url, dir, chromium, seed, operations, bytes, paths } = parameters()
  const files = distinct(attachments(new Random(seed), bytes))
  const pages = await new Pages().start()
  await allow(url, pages.name)
  const user = await setUp(url, 'live')
  const browser = await new Browser().start(chromium, dir)
  const users = await start(browser, pages.name, url, user, paths)
  const writer = new Writer(new Couch(`${url}/live`), files, new Random(seed + 3))

  const offered = pages.offer(files)
  const half = Math.ceil(operations / 2)
  const edit = from => Promise.all(users.map(({ db, page }, i) => call(page, 'edit', db, offered, seed + from + i, half)))
  await timed('half of the edits', () => Promise.all([edit(10), writes(writer, half)]), describe)
  await timed('a kill and half of the edits', () => Promise.all([edit(20), overKill(writer)]), describe)
  for (const { db, page } of users) await call(page, 'attach', db, `attached in the ${db} page`, offered[1])

  const stored = server('the server', `${url}/live`)
  await timed('agreed', () => agree(stored, users))
  check(writer.done.failed > 0, 'no write met the killed server')
  await writer.checkAcknowledged()
  for (const user of users) await reload(user)
  await compareOrdinary(stored, users.filter(user => !user.metadata))
  for (const user of users.filter(user => user.metadata)) await compareMetadata(stored, user)
  browser.checkErrors()
  await browser.close()
})

// start logs in and has a page for each of the paths replicate. A user is {db,
// page, remote, metadata, replica}.
async function start (browser, home, url, user, paths) {
  const { origin } = new URL(url)
  const users = []
  for (const [i, path] of paths.entries()) {
    const page = await browser.open(home)
    const db = ['first', 'second'][i]
    if (i === 0) await call(page, 'ask', 'POST', `${origin}/_session`, user)
    const remote = `${origin}/${path}`
    await call(page, 'sync', db, remote)
    users.push({ db, page, remote, metadata: path.startsWith('_metadata/'), replica: inPage(`the ${db} page`, page, db) })
  }
  return users
}

async function writes (writer, count) {
  for (let i = 0; i < count; i++) await writer.step()
}

// overKill writes while the server is killed and until it is there again.
async function overKill (writer) {
  let killed = false
  const kill = checkpoint('kill').finally(() => { killed = true })
  while (!killed) await writer.step()
  await kill
}

function describe ([done]) {
  return done.map(kinds => JSON.stringify(kinds)).join(' ')
}

// agree waits until all replicas have the same leaves, and ends the replications.
async function agree (stored, users) {
  await eventually(agreement, async () => {
    const problems = (await Promise.all(users.map(({ page }) => call(page, 'problems')))).flat()
    check(problems.length === 0, `the live replication failed:\n${problems.join('\n')}`)
    const { different } = await differentLeaves([stored, ...users.map(({ replica }) => replica)])
    if (different.length > 0) return `${different.length} documents differ:\n${different.slice(0, 5).join('\n')}`
  })
  for (const { page } of users) await call(page, 'stop')
}

// reload wants a page that is loaded anew to have nothing left to replicate.
async function reload ({ db, page, remote }) {
  await page.reload()
  for (const direction of ['to', 'from']) {
    const { ok, written } = await call(page, 'replicate', db, direction, remote)
    same([ok, written], [true, 0], `what the ${db} page replicates ${direction} the server after a reload`)
  }
}

async function compareOrdinary (stored, users) {
  const counts = await timed('compared', () => compare([stored, ...users.map(({ replica }) => replica)]))
  say(`${counts.documents} documents, ${counts.leaves} leaves (${counts.deleted} deleted), ${counts.attachments} attachments of ${(counts.bytes / 1e6).toFixed(1)} MB`)
  check(counts.leaves > counts.documents && counts.attachments > 0, 'no conflict was made, or no attachment')
}

async function compareMetadata (stored, { replica }) {
  const { here, deferred } = await timed('compared with the metadata replica', () => compareForms(stored, replica))
  say(`${deferred} attachments deferred, ${here} attached in the page`)
  check(here > 0 && deferred > 0, 'no attachment was deferred, or none was made in the page')
}

// distinct is the files without those of the same content: in a browser PouchDB
// keeps one Blob for a content, with the type it had first.
function distinct (files) {
  const byContent = new Map(files.map(file => [file.data.toString('base64'), file]))
  return [...byContent.values()]
}
