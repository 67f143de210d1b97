// What a page's connections carry, as the browser's debugger tells it.

// Traffic watches the requests of one page to one origin, preflights among them.
export class Traffic {
  requests = [] // {url, method, body}
  bytes = 0 // of the answers, as they were transferred
  protocols = new Set() // of the answers
  #open = new Map() // id: {url, answered}

  async watch (page, origin) {
    const session = await page.context().newCDPSession(page)
    session.on('Network.requestWillBeSent', ({ requestId, request }) => {
      if (new URL(request.url).origin !== origin) return
      this.requests.push({ url: request.url, method: request.method, body: request.postData })
      this.#open.set(requestId, { url: new URL(request.url), answered: false })
    })
    session.on('Network.responseReceived', ({ requestId, response }) => {
      if (new URL(response.url).origin !== origin) return
      this.protocols.add(response.protocol)
      const request = this.#open.get(requestId)
      if (request) request.answered = true
    })
    for (const end of ['loadingFinished', 'loadingFailed']) {
      session.on(`Network.${end}`, ({ requestId, encodedDataLength = 0 }) => {
        if (this.#open.delete(requestId)) this.bytes += encodedDataLength
      })
    }
    await session.send('Network.enable')
    return this
  }

  // of is the requests with the method whose path ends so.
  of (method, end) {
    return this.requests.filter(request => request.method === method && new URL(request.url).pathname.endsWith(end))
  }

  // waiting is the databases that have a request open whose path ends so, and
  // whose answer has begun.
  waiting (end) {
    const open = [...this.#open.values()].filter(({ url, answered }) => answered && url.pathname.endsWith(end))
    return new Set(open.map(({ url }) => url.pathname.split('/')[1]))
  }
}
