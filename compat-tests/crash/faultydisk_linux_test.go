package crash_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"settle/compat-tests/settletest"
)

// The variables that make the test binary a launcher: the socket that it hands
// its listener to, and the binary that it then becomes.
const (
	launchSocket = "SETTLE_CRASH_SOCKET"
	launchBinary = "SETTLE_CRASH_BINARY"
)

func init() {
	if socket := os.Getenv(launchSocket); socket != "" {
		fmt.Fprintln(os.Stderr, launch(socket, os.Getenv(launchBinary)))
		os.Exit(1)
	}
}

// syncs and writes are the system calls that a faulty disk can answer.
var (
	syncs  = []int32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNC_FILE_RANGE}
	writes = []int32{unix.SYS_WRITE, unix.SYS_PWRITE64}
)

// fault is what a faulty disk answers with EIO.
type fault struct {
	calls []int32
	file  string // part of the name of the files; "": all of the directory's
}

// faultyDisk stands between a process and the kernel (seccomp_unotify(2)): it sees
// each sync and write of the process and, once it is told to, answers those on
// files of a directory with EIO.
type faultyDisk struct {
	dir    string
	socket string
	fault  atomic.Pointer[fault]
	hits   atomic.Int64
}

// newFaultyDisk skips the test where the kernel or the container does not let a
// process be watched so.
func newFaultyDisk(t *testing.T, dir string) *faultyDisk {
	t.Helper()
	d := &faultyDisk{dir: dir, socket: filepath.Join(t.TempDir(), "listener")}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: d.socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go d.accept(l)
	probe := exec.Command(os.Args[0], "version")
	probe.Env = append(os.Environ(), d.env(t)...)
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("no process can be watched here: %v: %s", err, out)
	}
	return d
}

// env makes the test binary run settle on the faulty disk.
func (d *faultyDisk) env(t *testing.T) []string {
	return []string{launchSocket + "=" + d.socket, launchBinary + "=" + settletest.Binary(t)}
}

// accept takes the listeners of the processes that are launched.
func (d *faultyDisk) accept(l *net.UnixListener) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		oob := make([]byte, unix.CmsgSpace(4))
		_, n, _, _, err := c.ReadMsgUnix(make([]byte, 1), oob)
		c.Close()
		if err != nil {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil || len(messages) != 1 {
			continue
		}
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil {
			go d.serve(fds[0])
		}
	}
}

// The structures of <linux/seccomp.h>.
type (
	notification struct {
		id         uint64
		pid, flags uint32
		call       struct {
			number, arch int32
			ip           uint64
			args         [6]uint64
		}
	}
	response struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}
)

// serve answers the system calls of one process until it has ended.
func (d *faultyDisk) serve(listener int) {
	defer unix.Close(listener)
	for {
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR || ready[0].Revents&unix.POLLHUP != 0 {
			return
		}
		var n notification
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			continue // the thread has gone meanwhile
		}
		r := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if d.fails(&n) {
			r.flags, r.errno = 0, -int32(unix.EIO)
			d.hits.Add(1)
		}
		_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)) // as above
	}
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

func (d *faultyDisk) fails(n *notification) bool {
	f := d.fault.Load()
	if f == nil || !slices.Contains(f.calls, n.call.number) {
		return false
	}
	file, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.pid, int32(n.call.args[0])))
	return err == nil && strings.HasPrefix(file, d.dir) && strings.Contains(filepath.Base(file), f.file)
}

// launch makes this process one whose syncs and writes are watched through the
// socket, and then the binary, with the arguments of this one.
func launch(socket, binary string) error {
	runtime.LockOSThread() // a filter is for the thread that goes on as the binary
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	conn, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	listener, err := watch(append(append([]int32{}, syncs...), writes...))
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	var sent error
	if err := conn.Control(func(fd uintptr) { // by sendmsg: a write would wait for who is to receive this
		sent = unix.Sendmsg(int(fd), []byte{0}, unix.UnixRights(listener), nil, 0)
	}); err != nil || sent != nil {
		return fmt.Errorf("handing the listener over: %v, %w", err, sent)
	}
	return syscall.Exec(binary, append([]string{binary}, os.Args[1:]...), os.Environ())
}

// watch has the kernel ask the listener that it returns before each of the calls.
func watch(calls []int32) (listener int, err error) {
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for i, call := range calls {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(calls) - i), K: uint32(call)})
	}
	program = append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
