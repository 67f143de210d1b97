package design

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/quickjs"
)

//go:embed js/guard.js
var guardJS string

//go:embed js/errors.js
var errorsJS string

//go:embed js/helpers.js
var helpersJS string

//go:embed js/compile.js
var compileJS string

//go:embed js/freeze.js
var freezeJS string

//go:embed js/members.js
var membersJS string

//go:embed js/views.js
var viewsJS string

//go:embed js/mime.js
var mimeJS string

//go:embed js/render.js
var renderJS string

//go:embed js/dispatch.js
var dispatchJS string

// server is the query server: it evaluates to the function that takes commands.
var server = "(function () {\n\"use strict\";\n" +
	guardJS + errorsJS + helpersJS + compileJS + freezeJS + membersJS + viewsJS + mimeJS + renderJS + dispatchJS + "})()"

// bytecode is the query server compiled: parsing the text takes longer than all
// the rest of a runtime's start.
var bytecode = sync.OnceValues(func() ([]byte, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	return vm.Compile(server, quickjs.EvalGlobal)
})

// machine is one runtime with the functions of one key. One call at a time uses
// it. The engine's code runs in the machine's own goroutine, so that a caller can
// give up a call that does not end.
type machine struct {
	key    key
	calls  int    // how many it has run; of who has the machine
	loaded string // what the command said that loaded its functions
	work   chan func()
	// host serves what the running function asks for, nil where nobody waits for
	// the function. hosting is held while it runs.
	hosting sync.Mutex
	host    func(what, text string) (string, error)
	// deadline is when the call's time is over, in nanoseconds since epoch; 0
	// while the function waits for its host.
	deadline atomic.Int64
	limit    time.Duration
	grace    time.Duration

	// Of the machine's goroutine only.
	vm       *quickjs.VM
	dispatch quickjs.Value
}

var epoch = time.Now()

// newMachine starts a runtime without functions.
func newMachine(k key, o Options) (*machine, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, errors.Join(errStop, err)
	}
	vm.SetMemoryLimit(uintptr(o.Memory))
	m := &machine{key: k, work: make(chan func()), limit: o.Time, grace: o.Grace, vm: vm}
	if err := vm.RegisterHostFunc("host", m.serve); err != nil {
		vm.Close()
		return nil, errors.Join(errStop, err)
	}
	if err := m.start(); err != nil {
		vm.Close()
		return nil, errors.Join(errStop, err)
	}
	go m.loop()
	return m, nil
}

func (m *machine) start() error {
	code, err := bytecode()
	if err != nil {
		return err
	}
	m.dispatch, err = m.vm.EvalBytecodeValue(code)
	return err
}

func (m *machine) loop() {
	for f := range m.work {
		f()
	}
	m.free()
}

// free ends the runtime. An engine that failed before may fail again: then its
// memory is lost, the process is not.
func (m *machine) free() {
	defer func() { _ = recover() }()
	m.dispatch.Free()
	_ = m.vm.Close()
}

// close ends the machine as soon as what it runs has ended.
func (m *machine) close() { close(m.work) }

// serve is what the engine calls for the server's host function.
func (m *machine) serve(args []any) (any, error) {
	m.hosting.Lock()
	defer m.hosting.Unlock()
	m.deadline.Store(0)
	defer m.extend()
	if len(args) != 2 || m.host == nil {
		return nil, errors.New("no host")
	}
	what, _ := args[0].(string)
	text, _ := args[1].(string)
	return m.host(what, text)
}

// serveWith sets the host. When it returns, no earlier host runs, or will.
func (m *machine) serveWith(host func(what, text string) (string, error)) {
	m.hosting.Lock()
	defer m.hosting.Unlock()
	m.host = host
}

func (m *machine) extend() { m.deadline.Store(int64(time.Since(epoch) + m.limit)) }

// reply is what came back from the server.
type reply struct {
	text string
	logs []string
	err  error
	// broken: the runtime is not to be used again.
	broken bool
}

// call runs a command of the server. Where ended is not nil the command still
// runs, and the channel is closed when it has ended.
func (m *machine) call(ctx context.Context, command string, args ...any) (r reply, ended <-chan struct{}) {
	replies := make(chan reply, 1)
	done := make(chan struct{})
	m.extend()
	m.work <- func() {
		defer close(done)
		replies <- m.run(append([]any{command}, args...))
	}
	cause := m.wait(ctx, done)
	select {
	case r = <-replies:
	default:
		m.serveWith(nil)
		return reply{err: cause, broken: true}, done
	}
	if cause != nil {
		return reply{logs: r.logs, err: cause, broken: true}, nil
	}
	return r, nil
}

// wait returns when the command has ended, or does not although it was told to.
// The error says why it was told to, nil where it was not.
func (m *machine) wait(ctx context.Context, done <-chan struct{}) error {
	timer := time.NewTimer(m.limit)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			m.stop(done)
			return ctx.Err()
		case <-timer.C:
		}
		left := m.left()
		if left <= 0 {
			m.stop(done)
			return errTime
		}
		timer.Reset(left)
	}
}

// left is how much of its time the command has.
func (m *machine) left() time.Duration {
	deadline := m.deadline.Load()
	if deadline == 0 {
		return m.limit
	}
	return time.Duration(deadline) - time.Since(epoch)
}

// stop interrupts the command, and waits for its end, but not for long. The time
// that the host takes does not count: it is the caller's own.
func (m *machine) stop(done <-chan struct{}) {
	m.vm.Interrupt()
	ticker := time.NewTicker(m.grace/4 + 1)
	defer ticker.Stop()
	for n := 0; n < 4; {
		select {
		case <-done:
			return
		case <-ticker.C:
			if m.deadline.Load() != 0 {
				n++
			}
		}
	}
}

// run is the part of call in the machine's goroutine.
func (m *machine) run(args []any) (r reply) {
	defer func() {
		if p := recover(); p != nil {
			r = reply{err: errors.Join(errStop, fmt.Errorf("engine: %v", p)), broken: true}
		}
	}()
	value, err := m.dispatch.Call(quickjs.UndefinedValue, args...)
	if err != nil {
		return reply{err: engineError(err), broken: true}
	}
	text, ok := value.(string)
	if !ok || text == "" {
		return reply{err: errStop, broken: true}
	}
	text, logged, ok := strings.Cut(text, "\x1d")
	if ok {
		r.logs = strings.Split(logged, "\x1e")
	}
	if text[0] == '+' {
		r.text = text[1:]
		return r
	}
	r.err, r.broken = serverError(text[1:])
	return r
}

// engineError is for an error that came past the server's own handling.
func engineError(err error) error {
	var e *quickjs.Error
	if errors.As(err, &e) && e.Name == InternalError {
		return newError(InternalError, e.Message)
	}
	return errors.Join(errStop, err)
}

// serverError reads an error of the server: ["error"|"fatal", name, reason].
func serverError(text string) (err error, fatal bool) {
	var parts []json.RawMessage
	var severity, name string
	if json.Unmarshal([]byte(text), &parts) != nil || len(parts) < 2 ||
		json.Unmarshal(parts[0], &severity) != nil || json.Unmarshal(parts[1], &name) != nil {
		return errStop, true
	}
	reason := json.RawMessage("null")
	if len(parts) > 2 {
		reason = parts[2]
	}
	return &Error{Name: name, Reason: reason}, severity == "fatal"
}
