// Settle serves CouchDB's HTTP API and replication protocol from a store that
// is encrypted on disk.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) }
