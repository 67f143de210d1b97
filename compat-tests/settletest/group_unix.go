//go:build unix && !linux

package settletest

import "syscall"

// groupOfItsOwn makes the process the leader of a group.
func groupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
