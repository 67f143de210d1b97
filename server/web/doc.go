// Package web is the HTTP layer that every family of endpoints shares: route
// tables, requests, errors as CouchDB prints them, and the helpers that read
// what clients send and write what they get.
//
// A family hands [NewHandler] a table of [Route] rows. Its handlers return
// errors; one place turns them into statuses and JSON.
package web
