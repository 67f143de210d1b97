// inline is attachments in the form in which PouchDB takes them with a document.
export function inline (some) {
  return Object.fromEntries(some.map(({ name, content_type, data }) => [name, { content_type, data }]))
}
