package settletest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// What a server is given on a machine that does much else.
const (
	startLimit = 2 * time.Minute
	stopLimit  = time.Minute
)

// process is one running server, the leader of a process group of its own.
type process struct {
	cmd     *exec.Cmd
	out     *output
	url     string
	exited  chan struct{} // closed after Wait returned
	waitErr error         // valid once exited is closed
}

// launch starts the command and waits until the server answers GET /_up with
// 200, by TLS where there is a certificate. If it returns an error, nothing runs
// any more.
func launch(cmd *exec.Cmd, cert *Certificate) (*process, error) {
	p := &process{cmd: cmd, out: newOutput(), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	cmd.SysProcAttr = GroupOfItsOwn()
	cmd.WaitDelay = stopLimit
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.waitErr = cmd.Wait()
		close(p.exited)
	}()
	if err := p.awaitReady(cert, time.Now().Add(startLimit)); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; it printed:\n%s", err, p.out), p.kill())
	}
	return p, nil
}

func (p *process) awaitReady(cert *Certificate, deadline time.Time) error {
	select {
	case p.url = <-p.out.address:
		p.url = strings.TrimSuffix(p.url, "/")
	case <-p.exited:
		return fmt.Errorf("the server ended before it listened: %v", p.waitErr)
	case <-time.After(time.Until(deadline)):
		return fmt.Errorf("the server named no address within %v", startLimit)
	}
	client := &http.Client{Timeout: startLimit, Transport: cert.transport()}
	for {
		resp, err := client.Get(p.url + "/_up")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("GET /_up: %s", resp.Status)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the server ended before it was ready: %v", p.waitErr)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server was not ready within %v: %w", startLimit, err)
		}
	}
}

// stop asks the server to end and wants it to do so cleanly and in time.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server still runs %v after SIGTERM", stopLimit), p.kill())
	}
	if p.waitErr != nil {
		return fmt.Errorf("the server did not end cleanly: %w", p.waitErr)
	}
	return p.noneLeft()
}

// kill ends the server as a crash would.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited
	return p.noneLeft()
}

// noneLeft wants the ended server to have left no process behind; what is left
// is killed.
func (p *process) noneLeft() error {
	group := -p.cmd.Process.Pid
	if err := syscall.Kill(group, 0); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	err := syscall.Kill(group, syscall.SIGKILL)
	return errors.Join(errors.New("the server left processes behind"), err)
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
