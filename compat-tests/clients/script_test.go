package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settle/compat-tests/clients"
)

// recorder takes what a test would have been told. Fatal and Fatalf end the
// goroutine, as a test's do.
type recorder struct {
	testing.TB
	told   strings.Builder
	failed bool
}

func (r *recorder) Helper()         {}
func (r *recorder) Log(args ...any) { fmt.Fprintln(&r.told, args...) }
func (r *recorder) Logf(format string, args ...any) {
	r.Log(fmt.Sprintf(format, args...))
}
func (r *recorder) Fatal(args ...any) {
	r.failed = true
	r.Log(args...)
	panic(r)
}
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// runInto runs the script as a test of its own.
func runInto(r *recorder, s clients.Script) {
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
	}()
	s.Run(r)
}

// scriptDir is a directory with one script, "it.mjs", which looks as if the npm
// packages were installed.
func scriptDir(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	driver, err := filepath.Abs("lib/driver.mjs")
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Sprintf("import { checkpoint, parameters, run, say } from %q\n%s", "file://"+driver, text)
	for name, data := range map[string]string{"it.mjs": text, "node_modules/.package-lock.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestScript(t *testing.T) {
	tests := []struct {
		name, text string
		failed     bool
		want       []string
	}{
		{"ends well", `run(async () => { say(parameters().word); await checkpoint('here') })`, false, []string{"s  hello", "checkpoint here", "acted"}},
		{"standard error", `run(async () => { console.error('oops'); await checkpoint('here') })`, false, []string{"oops"}},
		{"environment", `run(async () => { say(process.env.GREETING); await checkpoint('here') })`, false, []string{"s  good day"}},
		{"throws", `run(async () => { await checkpoint('here'); throw new Error('wrong') })`, true, []string{"Error: wrong", "exit status 1"}},
		{"rejects unseen", `run(async () => { await checkpoint('here'); Promise.reject(new Error('unseen')); await checkpoint('here') })`, true, []string{"unseen", "exit status 1"}},
		{"unknown checkpoint", `run(async () => { await checkpoint('there') })`, true, []string{`unknown checkpoint "there"`}},
		{"no checkpoint", `run(async () => {})`, true, []string{`checkpoint "here" was not reached`}},
		{"ends at a checkpoint", `run(async () => { checkpoint('here'); throw new Error('meanwhile') })`, true, []string{"meanwhile", "exit status 1"}},
		{"hangs", `run(() => new Promise(() => setInterval(() => {}, 1000)))`, true, []string{"did not end within 1s"}},
		{"no such module", `import 'nowhere'`, true, []string{"ERR_MODULE_NOT_FOUND", "exit status 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			limit := 20 * time.Second
			if tt.name == "hangs" {
				limit = time.Second
			}
			r := &recorder{TB: t}
			script := clients.Script{File: "it.mjs", Dir: scriptDir(t, tt.text), Limit: limit, Env: []string{"GREETING=good day"}, Parameters: map[string]string{"word": "hello"}}
			script.Checkpoints = map[string]func(){"here": func() { r.Log("acted") }}
			runInto(r, script)
			if r.failed != tt.failed {
				t.Errorf("failed = %v", r.failed)
			}
			for _, want := range tt.want {
				if !strings.Contains(r.told.String(), want) {
					t.Errorf("it did not say %q; told:\n%s", want, r.told.String())
				}
			}
		})
	}
}

func TestScriptNeedsPackages(t *testing.T) {
	dir := scriptDir(t, `run(async () => {})`)
	if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	runInto(r, clients.Script{File: "it.mjs", Dir: dir, Limit: time.Minute})
	if !r.failed || !strings.Contains(r.told.String(), `run "make clients"`) {
		t.Errorf("failed = %v; told: %s", r.failed, r.told.String())
	}
}

func TestScriptNeedsNode(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := &recorder{TB: t}
	runInto(r, clients.Script{File: "it.mjs", Dir: scriptDir(t, ``), Limit: time.Minute})
	if !r.failed || !strings.Contains(r.told.String(), "the clients need node 20") {
		t.Errorf("failed = %v; told: %s", r.failed, r.told.String())
	}
}

// TestLib runs the tests of what the scripts compare with.
func TestLib(t *testing.T) {
	for _, file := range []string{"lib/compare.test.mjs", "lib/expect.test.mjs"} {
		t.Run(file, func(t *testing.T) { clients.Script{File: file, Limit: time.Minute}.Run(t) })
	}
}
