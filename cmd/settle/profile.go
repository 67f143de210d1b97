//go:build profile

package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
)

// A binary built with the tag profile shows the runtime's profiles on the
// loopback address in SETTLE_PROFILE. Benchmarks are run on such a binary; nobody
// should serve with one, since profiles show what is in memory.
func init() {
	if address := os.Getenv("SETTLE_PROFILE"); address != "" {
		go http.ListenAndServe(address, nil)
	}
}
