// The npm packages, for scripts of other directories.

export { default as Nano } from 'nano'
export { default as PouchDB } from 'pouchdb'
