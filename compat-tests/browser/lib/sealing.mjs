// Deliveries as a server or a sender makes them.

import { createHash } from 'node:crypto'
import { Encrypter } from 'age-encryption'

const block = 512 // what is said about a message is padded to multiples of so many bytes

// Sealer makes documents for one recipient's database.
export class Sealer {
  #encrypter = new Encrypter()

  constructor (database, recipient) {
    this.database = database
    this.#encrypter.addRecipient(recipient)
  }

  // document is a delivery: {id, received, metadata, type, content}.
  async document ({ id, received, metadata, type, content }) {
    const sealed = Buffer.from(await this.#encrypter.encrypt(content))
    const about = {
      content_type: type,
      metadata,
      length: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      delivery_id: id,
      database: this.database
    }
    return {
      _id: id,
      type: 'delivery',
      received_at: received,
      size: sealed.length,
      sealed_by: 'server',
      sealed: Buffer.from(await this.#encrypter.encrypt(padded(JSON.stringify(about)))).toString('base64'),
      _attachments: { 'content.age': { content_type: 'application/age', data: sealed.toString('base64') } }
    }
  }
}

function padded (text) {
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes, Buffer.alloc((block - bytes.length % block) % block, ' ')])
}
