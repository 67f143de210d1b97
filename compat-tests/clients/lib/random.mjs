// Random numbers from a seed, so that a run can be repeated.

export class Random {
  #state

  constructor (seed) { this.#state = seed >>> 0 }

  // next is a number in [0, 1), by the mulberry32 generator.
  next () {
    this.#state = (this.#state + 0x6D2B79F5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  // int is a whole number in [0, n).
  int (n) { return Math.floor(this.next() * n) }

  // chance is true with the given probability.
  chance (probability) { return this.next() < probability }

  // pick is one of the array's elements.
  pick (array) { return array[this.int(array.length)] }

  // hex is a string of n hexadecimal digits.
  hex (n) { return Array.from({ length: n }, () => this.int(16).toString(16)).join('') }

  // bytes is a buffer of n bytes.
  bytes (n) {
    const buffer = Buffer.alloc(n)
    for (let i = 0; i < n; i++) buffer[i] = this.int(256)
    return buffer
  }

  // weighted is one of the keys of `weights`, as often as its number says.
  weighted (weights) {
    let left = this.next() * Object.values(weights).reduce((a, b) => a + b)
    for (const [key, weight] of Object.entries(weights)) {
      left -= weight
      if (left < 0) return key
    }
    return Object.keys(weights)[0]
  }
}
