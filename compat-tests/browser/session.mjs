// A page signs up and logs in with a server of another origin, by cookie, and its
// PouchDB works with what that user may use: on the same site over plain HTTP, and on
// another site over TLS, where the cookie has to say SameSite=None.
//
// Parameters: {url, plain, dir, chromium}

import { Couch } from '../clients/lib/couch.mjs'
import { check, parameters, run, say, timed } from '../clients/lib/driver.mjs'
import { same } from '../clients/lib/expect.mjs'
import { Browser, call } from './lib/browser.mjs'
import { Pages } from './lib/pages.mjs'
import { allow, configure, makeDatabase, makeUser } from './lib/settings.mjs'

const ida = { name: 'ida', password: 'secret ö/+%' } // signs up in the page
const max = { name: 'max', password: 'other' }

run(async () => {
  const { url, plain, dir, chromium } = parameters()
  const pages = await new Pages().start()
  const browser = await new Browser().start(chromium, dir)
  await allow(plain, pages.number)
  await allow(url, pages.name)
  for (const server of [plain, url]) await timed('set up', () => setUp(server))

  const page = await browser.open(pages.number)
  await timed('same site', () => session(page, origin(plain)))
  const stranger = await browser.open(pages.name)
  await timed('foreign origin', () => foreign(stranger, page, origin(plain)))
  await timed('another site, by default', () => refused(stranger, origin(url)))
  await configure(url, { chttpd_auth: { same_site: 'None' } })
  await timed('another site', () => session(stranger, origin(url)))
  await timed('foreign origin with cookies', () => foreign(page, stranger, origin(url)))
  browser.checkErrors()
  await browser.close()
})

function origin (url) {
  return new URL(url).origin
}

// setUp makes a user, a database for each, and lets others sign up.
async function setUp (url) {
  await makeUser(url, max.name, max.password)
  for (const { name } of [ida, max]) await makeDatabase(url, `of-${name}`, name)
  await configure(url, { couchdb: { users_db_security_editable: 'true' } })
  await new Couch(`${url}/_users`).json('PUT', '/_security', { json: { members: {}, admins: {} } })
}

function logIn (page, server, user) {
  return call(page, 'ask', 'POST', `${server}/_session`, user)
}

async function whoAmI (page, server) {
  const { status, body } = await call(page, 'ask', 'GET', `${server}/_session`)
  check(status === 200, `GET /_session: ${status}`)
  return body.userCtx.name
}

// session goes from nobody to a user and back.
async function session (page, server) {
  const mine = `${server}/of-ida`
  same(await whoAmI(page, server), null, 'the name before')
  same((await call(page, 'remote', mine, 'allDocs')).status, 401, 'status without a session')
  const account = { _id: 'org.couchdb.user:ida', type: 'user', roles: [], ...ida }
  same((await call(page, 'remote', `${server}/_users`, 'put', account)).failed, undefined, 'error at sign-up')
  same((await logIn(page, server, { ...ida, password: 'wrong' })).status, 401, 'status of a wrong password')
  const { status, body } = await logIn(page, server, ida)
  same([status, body], [200, { ok: true, name: 'ida', roles: [] }], 'the answer to the log-in')
  same(await whoAmI(page, server), 'ida', 'the name after')
  same(await page.evaluate(() => document.cookie), '', 'what a script sees of the cookie')

  const db = `ida ${new URL(server).port}`
  await call(page, 'put', db, { _id: 'from the page', text: 'ö' })
  same(await call(page, 'replicate', db, 'to', mine), { ok: true, read: 1, written: 1, failures: 0, denied: [] }, 'push')
  same((await call(page, 'remote', mine, 'get', 'from the page')).result.text, 'ö', 'read back')
  same((await call(page, 'remote', `${server}/of-max`, 'allDocs')).status, 403, 'status of the database of another')
  same((await call(page, 'remote', `${server}/_users`, 'get', 'org.couchdb.user:max')).status, 404, 'status of the account of another')
  const { result } = await call(page, 'remote', `${server}/_users`, 'get', account._id)
  same([result?.name, result?.password], ['ida', undefined], 'the own account')

  await page.reload()
  same(await whoAmI(page, server), 'ida', 'the name after a reload')
  same((await call(page, 'ask', 'DELETE', `${server}/_session`)).body, { ok: true }, 'the answer to the log-out')
  same(await whoAmI(page, server), null, 'the name after the log-out')
  same((await call(page, 'remote', mine, 'allDocs')).status, 401, 'status after the log-out')
}

// refused wants a log-in whose cookie the browser does not take to another site.
async function refused (page, server) {
  same((await logIn(page, server, max)).status, 200, 'status of the log-in')
  same(await whoAmI(page, server), null, 'the name without SameSite=None')
}

// form is what CouchDB takes as a document from a form of HTML.
const form = '--x\r\nContent-Disposition: form-data; name="_doc"\r\n\r\n{}\r\n--x--\r\n'

// foreign wants a page of an origin that is not allowed to get no answer, and to
// change nothing, also while its user is logged in through another page.
async function foreign (page, allowed, server) {
  same((await logIn(allowed, server, ida)).status, 200, 'status of the log-in')
  const attempts = [
    ['GET', `${server}/_session`],
    ['GET', `${server}/of-ida/_all_docs`],
    ['PUT', `${server}/of-ida/foreign`, {}],
    ['POST', `${server}/of-ida`, { _id: 'foreign' }],
    ['POST', `${server}/of-ida`, '{"_id":"foreign"}', { 'content-type': 'text/plain' }], // asks for no permission beforehand
    ['POST', `${server}/of-ida/_bulk_docs`, '{"docs":[{"_id":"foreign"}]}', { 'content-type': 'text/plain' }],
    ['POST', `${server}/of-ida/foreign`, form, { 'content-type': 'multipart/form-data; boundary=x' }],
    ['DELETE', `${server}/_session`]
  ]
  for (const attempt of attempts) {
    const { status, failed } = await call(page, 'ask', ...attempt)
    check(failed !== undefined, `${attempt.join(' ')}: the page saw the status ${status}`)
  }
  const { result, failed } = await call(allowed, 'remote', `${server}/of-ida`, 'allDocs')
  check(result, `the allowed page cannot read any more: ${failed}`)
  same(result.rows.map(row => row.id), ['from the page'], 'the documents after attempts from a foreign origin')
  say(`${attempts.length} attempts from a foreign origin failed`)
}
