// Debian's package index as documents.

import { spawn, spawnSync } from 'node:child_process'
import readline from 'node:readline'

const numbers = new Set(['Size', 'Installed-Size'])
const lists = new Set(['Depends', 'Pre-Depends', 'Recommends', 'Suggests', 'Enhances', 'Breaks', 'Conflicts', 'Replaces', 'Provides', 'Tag', 'Built-Using'])

// packages reads at most `limit` records of the package index. Each is a
// document with the record's fields as members and an id of package, version
// and architecture, which holds slashes, colons, plus signs and tildes.
export async function packages (limit) {
  let documents = await read(limit)
  if (documents.length === 0 && process.getuid?.() === 0) {
    spawnSync('apt-get', ['update'], { stdio: 'ignore' })
    documents = await read(limit)
  }
  if (documents.length === 0) {
    throw new Error('"apt-cache dumpavail" prints no package: run "apt-get update" (on Debian, as root)')
  }
  return documents
}

async function read (limit) {
  const child = spawn('apt-cache', ['dumpavail'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = new Promise((resolve, reject) => child.once('error', reject))
  const documents = await Promise.race([failed, parse(child.stdout, limit)])
  child.kill()
  return documents
}

async function parse (stream, limit) {
  const documents = new Map() // a record may stand in more than one list
  let record = []
  const take = () => {
    const doc = documentOf(record)
    record = []
    if (doc && !documents.has(doc._id)) documents.set(doc._id, doc)
  }
  for await (const line of readline.createInterface({ input: stream, crlfDelay: Infinity })) {
    if (documents.size >= limit) break
    if (line === '') take()
    else if (/^\s/.test(line)) record[record.length - 1] += '\n' + line.trim()
    else record.push(line)
  }
  if (documents.size < limit) take()
  return [...documents.values()]
}

function documentOf (lines) {
  const fields = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (numbers.has(name)) fields[name] = Number(value)
    else if (lists.has(name)) fields[name] = value.split(/,\s*/)
    else fields[name] = value
  }
  if (!fields.Package) return undefined
  return { _id: `${fields.Package}/${fields.Version}/${fields.Architecture}`, ...fields }
}
