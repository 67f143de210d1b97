// Files of this machine as attachments.

import fs from 'node:fs'
import path from 'node:path'
import mime from 'mime-types'

const root = '/usr/share'
const largest = 5e6 // bytes of one file

// attachments chooses files below /usr/share: the empty ones, some of every
// content type, the largest, and then any, until they hold `limit` bytes. Two
// attachments made up here are always among them: an empty one, and one of
// 3,000,000 bytes. Each is {name, content_type, data: Buffer}; a name may hold
// slashes.
export function attachments (random, limit) {
  const files = [...walk(root)].filter(f => f.size <= largest)
  const chosen = new Map()
  let total = 3e6
  const choose = (some, most) => {
    for (const file of some.slice(0, most)) {
      if (chosen.has(file.name) || total + file.size > limit) continue
      total += file.size
      chosen.set(file.name, file)
    }
  }
  shuffle(files, random)
  choose(files.filter(f => f.size === 0), 5)
  for (const some of groups(files)) {
    choose(some.toSorted((a, b) => a.size - b.size), 1)
    choose(some, 4)
  }
  choose(files.toSorted((a, b) => b.size - a.size), limit / 1e7)
  choose(files, limit / 1e5)
  return [
    { name: 'empty', content_type: 'application/octet-stream', data: Buffer.alloc(0) },
    { name: 'random bytes, 3 MB', content_type: 'application/octet-stream', data: random.bytes(3e6) },
    ...[...chosen.values()].map(f => ({ name: f.name, content_type: f.type, data: fs.readFileSync(path.join(root, f.name)) }))
  ]
}

function groups (files) {
  const byType = new Map()
  for (const file of files) {
    if (!byType.has(file.type)) byType.set(file.type, [])
    byType.get(file.type).push(file)
  }
  return byType.values()
}

function shuffle (array, random) {
  for (let i = array.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [array[i], array[j]] = [array[j], array[i]]
  }
}

// walk lists the readable regular files in the order of their names.
function * walk (dir) {
  const entries = fs.readdirSync(dir, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const file = path.join(dir, entry.name)
    if (entry.isDirectory()) yield * walk(file)
    else if (entry.isFile()) yield { name: path.relative(root, file), size: fs.statSync(file).size, type: typeOf(entry.name) }
  }
}

// typeOf is the content type of the file name; text of one kind in two has its charset.
function typeOf (name) {
  const type = name.length % 2 ? mime.contentType(path.extname(name)) : mime.lookup(name)
  return type || 'application/octet-stream'
}
