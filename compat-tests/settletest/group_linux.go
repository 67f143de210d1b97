package settletest

import "syscall"

// groupOfItsOwn makes the process the leader of a group and ends it with this
// one, also where the tests are cut short.
func groupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
