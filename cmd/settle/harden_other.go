//go:build !unix

package main

// harden does nothing where there is neither umask nor a limit on core dumps.
func harden() {}
