//go:build unix

package main

import "syscall"

// harden lets no file be read by others, and no core dump hold keys.
func harden() {
	syscall.Umask(0o077)
	// Where the limit cannot be set, the process still serves.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
