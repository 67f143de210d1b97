package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

const (
	checkpointMark = "CHECKPOINT "
	// lineLimit bounds a line of a script.
	lineLimit = 1 << 20
)

// Script is one run of a node script.
type Script struct {
	File        string            // in Dir
	Dir         string            // with the npm packages; default: the working directory
	Env         []string          // NAME=value, over the test's own environment
	Parameters  any               // sent as JSON, the script's only argument
	Files       []string          // patterns, from Dir, of what the script uses beside what stands in Dir
	Limit       time.Duration     // after which the script is killed and the test fails
	Checkpoints map[string]func() // what the test does, by the checkpoint's name; each must be reached
}

// Run runs the script and logs what it prints. The test fails if the script
// does not end with status 0 within the limit, if it comes to a checkpoint that
// the test does not know, or not to one that it knows. It also fails, and says
// what to do, where node or the npm packages are missing.
func (s Script) Run(t testing.TB) {
	t.Helper()
	if err := s.installed(); err != nil {
		t.Fatal(err)
	}
	parameters, err := json.Marshal(s.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), s.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", s.File, string(parameters))
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.SysProcAttr = settletest.GroupOfItsOwn()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = s.converse(t, cmd)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		t.Fatalf("%s did not end within %v", s.File, s.Limit)
	case err != nil:
		t.Fatalf("%s: %v", s.File, err)
	}
}

// installed looks for what the script needs. It also opens the scripts, and what
// they use, so that the go command does not take an earlier result for this one
// after they changed.
func (s Script) installed() error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("the clients need node 20 or newer: %w", err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "node_modules", ".package-lock.json")); err != nil {
		return fmt.Errorf(`the npm packages are not installed: run "make clients" (%w)`, err)
	}
	for _, pattern := range append([]string{"*.mjs", "lib/*.mjs", "package-lock.json"}, s.Files...) {
		files, err := filepath.Glob(filepath.Join(s.Dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// converse runs the command until it has ended.
func (s Script) converse(t testing.TB, cmd *exec.Cmd) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, in := io.Pipe() // of both streams; Wait returns when all is written
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		in.Close()
		ended <- err
	}()
	reached, err := s.follow(t, out, stdin)
	if err != nil {
		_ = cmd.Cancel()                // it may have ended by itself
		_, _ = io.Copy(io.Discard, out) // lets Wait return; err says what went wrong
	}
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	for name := range s.Checkpoints {
		if !reached[name] {
			return fmt.Errorf("checkpoint %q was not reached", name)
		}
	}
	return nil
}

// follow reads the script's lines to their end and answers its checkpoints. It
// returns those that the script came to.
func (s Script) follow(t testing.TB, out io.Reader, answers io.Writer) (map[string]bool, error) {
	reached := map[string]bool{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, lineLimit)
	for lines.Scan() {
		name, isCheckpoint := strings.CutPrefix(lines.Text(), checkpointMark)
		if !isCheckpoint {
			t.Log(lines.Text())
			continue
		}
		act := s.Checkpoints[name]
		if act == nil {
			return nil, fmt.Errorf("unknown checkpoint %q", name)
		}
		t.Logf("checkpoint %s", name)
		act()
		reached[name] = true
		if _, err := fmt.Fprintln(answers, name); err != nil {
			t.Logf("the script ended at checkpoint %s", name) // its further lines and its status say why
		}
	}
	return reached, lines.Err()
}
