package settletest

import "syscall"

// GroupOfItsOwn makes the process the leader of a group and ends it with this
// one, also where the tests are cut short.
func GroupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
