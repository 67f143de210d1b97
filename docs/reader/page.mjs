// What is seen of a mailbox.

import { Mailbox } from './mailbox.mjs'

const form = document.querySelector('#log-in')
const state = document.querySelector('#state')
const list = document.querySelector('#messages')
const article = document.querySelector('#message')
let mailbox

form.addEventListener('submit', event => {
  event.preventDefault()
  telling(async () => {
    const { name, password, ...where } = Object.fromEntries(new FormData(form))
    mailbox?.stop()
    mailbox = new Mailbox(where)
    await mailbox.logIn(name, password)
    form.hidden = true
    const show = () => telling(showList)
    mailbox.follow(show, error => { state.textContent = error.reason ?? error.message })
  })
})

// telling runs fn and shows what goes wrong.
async function telling (fn) {
  try {
    await fn()
  } catch (error) {
    state.textContent = error.message
  }
}

async function showList () {
  const messages = await mailbox.list()
  list.replaceChildren(...messages.map(item))
  state.textContent = `${messages.length} messages`
}

// item is a message's line. All of it is text: nothing of a message becomes HTML.
function item (message) {
  const button = document.createElement('button')
  const { from, subject } = message.metadata
  const fields = [from ?? '', message.error ?? subject ?? message.type, `${message.size} B`, message.received]
  for (const text of fields) button.append(Object.assign(document.createElement('span'), { textContent: text }))
  button.disabled = Boolean(message.error)
  button.addEventListener('click', () => telling(() => showMessage(message)))
  const line = document.createElement('li')
  line.append(button)
  return line
}

async function showMessage (message) {
  article.hidden = true
  const content = await mailbox.open(message)
  const [title, text, link] = ['h2', 'pre', 'a'].map(name => article.querySelector(name))
  title.textContent = message.metadata.subject ?? message.id
  text.textContent = isText(message.type) ? await content.text() : `${message.type}, ${message.length} bytes`
  URL.revokeObjectURL(link.href)
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' })) // never opened as a page of this origin
  link.download = message.metadata.subject ?? message.id
  article.hidden = false
}

function isText (type) {
  return /^(text\/|message\/rfc822|application\/json)/.test(type)
}
