// Chromium with a profile of its own.

import fs from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { check, say } from '../../clients/lib/driver.mjs'

const limit = 60e3 // milliseconds, for what usually takes one or two seconds

// preferences of a user who has cookies of other sites allowed; Debian's do not.
const preferences = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }

export class Browser {
  errors = [] // that nothing in a page handled

  // start runs the Chromium at the path. It keeps its data below dir and trusts
  // every certificate.
  async start (executablePath, dir) {
    const profile = path.join(dir, 'profile')
    fs.mkdirSync(path.join(profile, 'Default'), { recursive: true })
    fs.writeFileSync(path.join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
    const options = { executablePath, headless: true, ignoreHTTPSErrors: true, timeout: limit }
    this.context = await chromium.launchPersistentContext(profile, options)
    this.context.setDefaultTimeout(limit)
    say(`Chromium ${this.context.browser()?.version() ?? ''}`)
    return this
  }

  // open is a new page of the origin.
  async open (origin) {
    const page = await this.context.newPage()
    page.on('pageerror', error => this.errors.push(error.stack ?? String(error)))
    await page.goto(origin)
    return page
  }

  // checkErrors wants no error in a page to have gone unhandled, but for failed
  // connections: PouchDB leaves some of those.
  checkErrors () {
    const unexpected = this.errors.filter(error => !error.includes('Failed to fetch'))
    check(unexpected.length === 0, `unhandled in a page: ${unexpected.join('\n')}`)
  }

  close () { return this.context.close() }
}

// call calls a function of page/site.mjs in a page.
export async function call (page, name, ...args) {
  const { result, error } = await page.evaluate(([name, args]) => window.site.call(name, args), [name, args])
  if (error) throw new Error(`${name} in the page: ${error}`)
  return result
}

// inPage is a page's PouchDB as a replica to compare.
export function inPage (title, page, db) {
  const read = (...args) => call(page, 'read', db, ...args)
  return {
    name: title,
    revpos: false,
    leaves: async () => new Map(await read('leaves')),
    winners: async ids => new Map(await read('winners', ids)),
    openRevs: id => read('openRevs', id),
    attachment: async (...which) => {
      const { type, data } = await read('attachment', ...which)
      return { type, data: Buffer.from(data, 'base64') }
    }
  }
}
