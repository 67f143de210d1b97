// Package server joins the families of endpoints into one HTTP server, and
// starts and ends it.
package server
