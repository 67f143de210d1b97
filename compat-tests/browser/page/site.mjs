// What a test calls in a page: local PouchDBs by name, and their replications
// with a server's databases.

import { Editor } from '/clients/editor.mjs'
import { Random } from '/clients/random.mjs'
import { pouch as replica } from '/clients/replica.mjs'

const { PouchDB } = window
const locals = new Map() // name: PouchDB
const syncs = new Map() // name: live replication

function local (name) {
  if (!locals.has(name)) locals.set(name, new PouchDB(name))
  return locals.get(name)
}

// described is an error as text; PouchDB's have what counts in their members.
function described (error) {
  return `${error.stack ?? ''} ${JSON.stringify(error)}`
}

// call calls one of the functions here and returns its {result} or its {error}.
export async function call (name, args) {
  try {
    return { result: await functions[name](...args) }
  } catch (error) {
    return { error: described(error) }
  }
}

// ask sends a request with the page's cookies and returns {status, body}, or
// {failed} where the browser lets the page have no answer.
async function ask (method, url, body, headers = {}) {
  const init = { method, credentials: 'include', headers: { accept: 'application/json', ...headers } }
  if (body !== undefined) {
    init.body = typeof body === 'string' ? body : JSON.stringify(body)
    init.headers['content-type'] ??= 'application/json'
  }
  try {
    const response = await fetch(url, init)
    return { status: response.status, body: await response.json() }
  } catch (error) {
    return { failed: error.message }
  }
}

// remote calls a method of the PouchDB that stands for a server's database, and
// returns {result} or the {status} of its error.
async function remote (url, method, ...args) {
  const db = new PouchDB(url, { skip_setup: true })
  try {
    return { result: await db[method](...args) }
  } catch (error) {
    return { status: error.status, failed: error.message }
  }
}

function put (name, doc) { return local(name).put(doc) }

async function get (name, id) {
  try {
    return await local(name).get(id)
  } catch (error) {
    if (error.status === 404) return undefined
    throw error
  }
}

// pouch calls a method of the local database whose arguments and result are JSON.
function pouch (name, method, ...args) { return local(name)[method](...args) }

// replicate runs one replication, 'to' the server or 'from' it.
async function replicate (name, direction, url) {
  const denied = []
  const replication = local(name).replicate[direction](url)
  replication.on('denied', ({ id, error, reason }) => denied.push({ id, error, reason }))
  const { ok, docs_read: read, docs_written: written, doc_write_failures: failures } = await replication
  return { ok, read, written, failures, denied }
}

// sync starts a live replication both ways that tries again when it fails.
function sync (name, url) {
  const options = { live: true, retry: true, back_off_function: delay => Math.min(delay * 2 || 50, 500) }
  const sync = local(name).sync(url, options)
  sync.problems = []
  sync.on('denied', doc => sync.problems.push(`denied: ${JSON.stringify(doc)}`))
  sync.on('error', error => sync.problems.push(`ended: ${described(error)}`))
  syncs.set(name, sync)
}

// problems is what went wrong in the live replications.
function problems () {
  return [...syncs].flatMap(([name, { problems }]) => problems.map(problem => `${name}: ${problem}`))
}

// stop ends every live replication.
async function stop () {
  for (const sync of syncs.values()) {
    const ended = new Promise(resolve => sync.on('complete', resolve))
    sync.cancel()
    await ended
  }
  syncs.clear()
}

// load fetches a file {name, content_type, url}.
async function load ({ url, ...file }) {
  const response = await fetch(url)
  return { ...file, data: new Blob([await response.arrayBuffer()], { type: file.content_type }) }
}

// attach makes a document by attaching the file.
async function attach (name, id, file) {
  const { data } = await load(file)
  return local(name).putAttachment(id, file.name, data, file.content_type)
}

// edit does random operations with the files and returns how many of each kind.
async function edit (name, files, seed, operations) {
  const editor = new Editor(local(name), await Promise.all(files.map(load)), new Random(seed))
  for (let i = 0; i < operations; i++) await editor.step()
  return editor.done
}

// read calls a method of the local database as a replica to compare, in a form
// that leaves the page: a map becomes an array, bytes become base64.
async function read (name, method, ...args) {
  const found = await replica(name, local(name), true)[method](...args)
  if (found instanceof Map) return [...found]
  if (found.data instanceof Blob) return { type: found.type, data: await base64(found.data) }
  return found
}

async function base64 (blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result)
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(blob)
  })
  return url.slice(url.indexOf(',') + 1)
}

const functions = { ask, attach, edit, get, pouch, problems, put, read, remote, replicate, stop, sync }
