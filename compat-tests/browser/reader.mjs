// The page in docs/reader lists a mailbox from its metadata replica, opens one
// message on demand, and shows what it cannot open as such.
//
// Parameters: {url, dir, chromium, seed, documents}

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { Couch } from '../clients/lib/couch.mjs'
import { check, parameters, run, say, timed } from '../clients/lib/driver.mjs'
import { eventually, same } from '../clients/lib/expect.mjs'
import { Random } from '../clients/lib/random.mjs'
import { Browser } from './lib/browser.mjs'
import { Pages, reader } from './lib/pages.mjs'
import { Sealer } from './lib/sealing.mjs'
import { allow, makeUser, setUp } from './lib/settings.mjs'
import { Traffic } from './lib/traffic.mjs'

const limit = 30e3 // milliseconds in which the page has to show something
const database = 'mail'
const markup = '<img src=x onerror="document.title = 1">' // must stay text

run(async () => {
  const { url, dir, chromium, seed, documents } = parameters()
  checkPackages()
  const pages = await new Pages().start()
  await allow(url, pages.name)
  const user = await setUp(url, database)
  const couch = new Couch(`${url}/${database}`)
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  const postman = await makePostman(url, couch, user, recipient)
  const sealer = new Sealer(database, recipient)
  const sealers = { sealer, elsewhere: new Sealer('elsewhere', recipient), stranger: new Sealer(database, await identityToRecipient(await generateX25519Identity())) }
  const mailbox = await timed('delivered', () => fill({ couch, postman }, sealers, documents, new Random(seed)))

  const browser = await new Browser().start(chromium, dir)
  const page = await browser.open(`${pages.name}/reader/`)
  const traffic = await new Traffic().watch(page, new URL(url).origin)
  const form = { server: new URL(url).origin, database, ...user, identity }
  await timed('listed', () => logIn(page, form, `${mailbox.total} messages`))
  const total = mailbox.messages.reduce((sum, { content }) => sum + content.length, 0)
  say(`${traffic.bytes} bytes for the list, ${total} bytes of contents`)
  same(traffic.of('GET', 'content.age'), [], 'contents fetched for the list')
  check(traffic.bytes < total / 2, 'the list took more than half of what the contents would')

  await lists(page, mailbox)
  await timed('opened', () => opens(page, mailbox, traffic))
  await refuses(page, couch, sealer, mailbox)
  await timed('arrived', () => arrives(page, { couch, postman }, mailbox))
  await offline(browser, page, mailbox, form)
  check(traffic.requests.every(({ url, body = '' }) => !`${url} ${body}`.includes(identity.slice(20))), 'the identity was sent')
  browser.checkErrors()
  await browser.close()
})

// checkPackages wants the page's lock file to name what is installed here.
function checkPackages () {
  const { packages } = JSON.parse(fs.readFileSync(path.join(reader, 'package-lock.json')))
  for (const name of ['age-encryption', '@noble/curves', '@noble/post-quantum', '@scure/base']) {
    const installed = JSON.parse(fs.readFileSync(`node_modules/${name}/package.json`))
    same(packages[`node_modules/${name}`].version, installed.version, `version of ${name} in the lock file of docs/reader`)
  }
}

// makePostman makes a user who may deliver into the database, and nothing else.
async function makePostman (url, couch, user, recipient) {
  await makeUser(url, 'postman', 'another secret')
  const security = { admins: {}, members: { names: [user.name] }, deliverers: { names: ['postman'] }, recipients: [recipient] }
  await couch.json('PUT', '/_security', { json: security })
  const credentials = Object.assign(new URL(url), { username: 'postman', password: 'another secret', pathname: database })
  const postman = new Couch(credentials.href)
  same((await postman.response('GET', '/_all_docs')).status, 403, 'status of a list for who delivers')
  return postman
}

// deliver delivers a message, and returns it with the id and the time that it got.
async function deliver ({ couch, postman }, message) {
  const head = `--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(message.metadata)}\r\n--b\r\ncontent-type: ${message.type}\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), message.content, Buffer.from('\r\n--b--')])
  const headers = { 'content-type': 'multipart/related; boundary=b' }
  const { id } = await postman.json('PUT', Couch.document('_delivery', message.id), { body, headers })
  const doc = await couch.json('GET', Couch.document(id))
  return { ...message, id, received: doc.received_at }
}

// fill delivers messages of all sizes, and stores one that is sealed for somebody else, one
// for another database, and a document that is no message.
async function fill (to, { sealer, elsewhere, stranger }, count, random) {
  const generated = Array.from({ length: count }, (_, i) => ({
    id: `message ${i}`,
    received: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    metadata: { from: `sender-${i}@example.org`, subject: i === 3 ? markup : `subject ${i} ö 🙂` },
    type: i % 5 === 4 ? 'image/png' : 'message/rfc822',
    content: i % 5 === 4 ? random.bytes(200e3) : Buffer.from(`${markup} text ${i} ${random.hex(20e3)}`)
  }))
  const messages = []
  for (const message of generated) messages.push(await deliver(to, message))
  const docs = [
    await stranger.document({ ...messages[0], id: 'of a stranger' }),
    { ...await sealer.document(messages[0]), _id: 'of another', sealed: (await elsewhere.document(messages[0])).sealed },
    { _id: 'no message', subject: 'note' }
  ]
  const rows = await to.couch.json('POST', '/_bulk_docs', { json: { docs } })
  check(rows.every(row => row.ok), JSON.stringify(rows.filter(row => !row.ok)))
  return { messages, total: messages.length + docs.length - 1 }
}

async function logIn (page, form, state) {
  for (const [name, value] of Object.entries(form)) await page.fill(`[name=${name}]`, value)
  await page.click('form button')
  await shows(page, '#state', state)
}

// shows waits until an element has the text.
function shows (page, selector, text) {
  return eventually(limit, async () => {
    const shown = await page.textContent(selector)
    if (shown !== text) return `${selector} shows ${JSON.stringify(shown.slice(0, 300))} instead of ${JSON.stringify(text.slice(0, 300))}`
  })
}

async function lists (page, { messages }) {
  const lines = await page.$$eval('#messages li', items => items.map(li => ({
    fields: [...li.querySelectorAll('span')].map(span => span.textContent),
    disabled: li.querySelector('button').disabled
  })))
  const open = lines.filter(line => !line.disabled).map(({ fields }) => [fields[0], fields[1], fields[3]])
  same(open, messages.map(({ metadata, received }) => [metadata.from, metadata.subject, received]).reverse(), 'the list')
  const closed = lines.filter(line => line.disabled).map(({ fields }) => fields[1])
  check(closed.length === 2 && closed.includes('sealed for the database elsewhere'), `what cannot be opened: ${closed.join('; ')}`)
}

function click (page, { metadata }) {
  return page.locator('#messages button', { hasText: metadata.from }).first().click()
}

async function opens (page, { messages }, traffic) {
  await click(page, messages[3])
  await shows(page, '#message h2', messages[3].metadata.subject)
  await shows(page, '#message pre', String(messages[3].content))
  same(traffic.of('GET', 'content.age').length, 1, 'contents fetched for one message')
  await click(page, messages[4])
  await shows(page, '#message h2', messages[4].metadata.subject)
  const digest = await page.$eval('#message a', async link => {
    const content = await (await fetch(link.href)).arrayBuffer()
    return Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', content)))
  })
  same(Buffer.from(digest).toString('hex'), createHash('sha256').update(messages[4].content).digest('hex'), 'digest of what is saved')
  same(await page.title(), 'Mailbox', 'the title, which markup in a message must not change')
}

// refuses wants a content to be refused that is sealed for the reader and belongs
// to another message.
async function refuses (page, couch, sealer, { messages }) {
  const [mine, other] = messages
  const stored = await couch.json('GET', Couch.document(mine.id))
  const { _attachments } = await sealer.document(other)
  await couch.json('PUT', Couch.document(mine.id), { json: { ...stored, _attachments } })
  await eventually(limit, async () => {
    await click(page, mine)
    const state = await page.textContent('#state')
    if (state !== 'the content is not that of this message') return `the page says ${state}`
  })
}

async function arrives (page, to, mailbox) {
  const message = { ...mailbox.messages[1], id: 'new', metadata: { from: 'new@example.org', subject: 'new' } }
  await deliver(to, message)
  await shows(page, '#state', `${mailbox.total + 1} messages`)
  await shows(page, '#messages li:first-child span', 'new@example.org')
}

// offline wants the page to have the list from its own database after it was
// loaded anew, and that database to hold nothing readable.
async function offline (browser, page, { messages, total }, form) {
  await page.reload()
  const traffic = await new Traffic().watch(page, form.server)
  await logIn(page, form, `${total + 1} messages`)
  same(traffic.of('POST', '_bulk_get').length, 0, 'requests for documents after a reload')
  const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
  const stored = await page.evaluate(async names => {
    const all = await Promise.all(names.map(name => new window.PouchDB(name.replace('_pouch_', '')).allDocs({ include_docs: true })))
    return JSON.stringify(all)
  }, names.filter(name => name.includes(encodeURIComponent(`/${database}`))))
  check(stored.includes('of a stranger') && !stored.includes(messages[5].metadata.from), 'the local database is not sealed, or not there')
}
