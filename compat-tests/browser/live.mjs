// Two pages in live replication with the server edit, delete and conflict at
// random with attachments, a third writer does so on the server itself, and the
// server is killed and restarted meanwhile. Then all must agree, and once the
// pages are loaded anew there is nothing left to replicate and every leaf and
// byte is the same.
//
// Parameters: {url, dir, chromium, seed, operations, bytes}

import { check, checkpoint, parameters, run, say, timed } from '../clients/lib/driver.mjs'
import { compare, differentLeaves } from '../clients/lib/compare.mjs'
import { Couch } from '../clients/lib/couch.mjs'
import { eventually, same } from '../clients/lib/expect.mjs'
import { attachments } from '../clients/lib/files.mjs'
import { Random } from '../clients/lib/random.mjs'
import { server } from '../clients/lib/replica.mjs'
import { Writer } from '../clients/lib/writer.mjs'
import { Browser, call, inPage } from './lib/browser.mjs'
import { Pages } from './lib/pages.mjs'
import { setUp } from './lib/settings.mjs'

const agreement = 60e3 // milliseconds that the replicas have to agree

run(async () => {
  const { url, dir, chromium, seed, operations, bytes } = parameters()
  const files = attachments(new Random(seed), bytes)
  const pages = await new Pages().start()
  const user = await setUp(url, pages.name, 'live')
  const couch = new Couch(`${url}/live`)
  const browser = await new Browser().start(chromium, dir)

  const { origin } = new URL(url)
  const remote = `${origin}/live`
  const users = []
  for (const db of ['first', 'second']) users.push({ db, page: await browser.open(pages.name) })
  await call(users[0].page, 'ask', 'POST', `${origin}/_session`, user)
  for (const { db, page } of users) await call(page, 'sync', db, remote)

  const offered = pages.offer(files)
  const writer = new Writer(couch, files, new Random(seed + 3))
  const work = (from, count) => Promise.all([
    ...users.map(({ db, page }, i) => call(page, 'edit', db, offered, seed + from + i, count)),
    (async () => { for (let i = 0; i < count; i++) await writer.step() })()
  ])
  const half = Math.ceil(operations / 2)
  await timed('half of the edits', () => work(10, half), describe)
  await timed('a kill and half of the edits', () => Promise.all([work(20, half), checkpoint('kill')]), ([done]) => describe(done))

  const replicas = [server('the server', `${url}/live`), ...users.map(({ db, page }) => inPage(`the ${db} page`, page, db))]
  await timed('agreed', () => agree(replicas, users))
  for (const { page } of users) await call(page, 'stop')
  check(writer.done.failed > 0, 'no write met the killed server')
  await writer.checkAcknowledged()

  for (const { db, page } of users) {
    await page.reload()
    for (const direction of ['to', 'from']) {
      const { ok, written } = await call(page, 'replicate', db, direction, remote)
      same([ok, written], [true, 0], `what the ${db} page replicates ${direction} the server after a reload`)
    }
  }
  const counts = await timed('compared', () => compare(replicas))
  say(`${counts.documents} documents, ${counts.leaves} leaves (${counts.deleted} deleted), ${counts.attachments} attachments of ${(counts.bytes / 1e6).toFixed(1)} MB`)
  check(counts.leaves > counts.documents && counts.attachments > 0, 'no conflict was made, or no attachment')
  browser.checkErrors()
  await browser.close()
})

function describe (done) {
  return done.slice(0, 2).map(kinds => JSON.stringify(kinds)).join(' ')
}

// agree waits until all replicas have the same leaves.
function agree (replicas, users) {
  return eventually(agreement, async () => {
    const problems = (await Promise.all(users.map(({ page }) => call(page, 'problems')))).flat()
    check(problems.length === 0, `the live replication failed:\n${problems.join('\n')}`)
    const { different } = await differentLeaves(replicas)
    if (different.length > 0) return `${different.length} documents differ:\n${different.slice(0, 5).join('\n')}`
  })
}
