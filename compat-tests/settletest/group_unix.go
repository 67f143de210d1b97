//go:build unix && !linux

package settletest

import "syscall"

// GroupOfItsOwn makes the process the leader of a group.
func GroupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
