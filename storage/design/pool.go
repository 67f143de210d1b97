package design

import (
	"container/list"
	"context"
	"encoding/binary"

	"settle/storage/couch"
)

// functions is what the runtimes of one key hold: the command that loads it, and
// its arguments.
type functions struct {
	engine  *Engine
	scope   couch.Incarnation
	name    key // the same for the same functions of the same scope
	key     key // of the runtimes
	command string
	args    []any
}

func (e *Engine) functions(scope couch.Incarnation, command string, args ...string) functions {
	f := functions{engine: e, scope: scope, command: command}
	f.name = newKey(append([]string{string(scope[:]), command}, args...)...)
	f.key = f.name
	for _, arg := range args {
		f.args = append(f.args, arg)
	}
	return f
}

// alone returns the functions with runtimes that no others share, which the caller
// closes.
func (f functions) alone() functions {
	run := binary.AppendUvarint(nil, f.engine.runs.Add(1))
	f.key = newKey(string(f.name[:]), string(run))
	return f
}

// close ends the runtimes that are idle.
func (f functions) close() {
	for m := f.engine.take(f.key); m != nil; m = f.engine.take(f.key) {
		m.close()
	}
}

// call runs one command in a runtime of these functions.
func (f functions) call(ctx context.Context, command string, args ...any) (string, error) {
	var text string
	err := f.session(ctx, f.engine.calls, nil, func(s *session) (err error) {
		text, err = s.call(command, args...)
		return err
	})
	return text, err
}

// session is the use of one runtime for several commands.
type session struct {
	ctx     context.Context
	engine  *Engine
	gate    *gate
	name    key
	machine *machine
	broken  bool
}

// session lends a runtime to use, through the gate. host may be nil.
func (f functions) session(ctx context.Context, g *gate, host func(what, text string) (string, error), use func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := g.enter(ctx, f); err != nil {
		return err
	}
	defer g.leave(f)
	s := &session{ctx: ctx, engine: f.engine, gate: g, name: f.name}
	if s.machine = f.engine.take(f.key); s.machine == nil {
		if err := s.load(f); err != nil {
			return err
		}
	}
	s.machine.serveWith(host)
	err := use(s)
	s.end()
	return err
}

// load starts a runtime and compiles the functions in it.
func (s *session) load(f functions) error {
	m, err := newMachine(f.key, f.engine.options)
	if err != nil {
		return err
	}
	s.machine = m
	if m.loaded, err = s.call(f.command, f.args...); err != nil {
		s.broken = true
		s.end()
	}
	return err
}

func (s *session) call(command string, args ...any) (string, error) {
	if s.broken {
		return "", errStop
	}
	s.machine.calls++
	r, ended := s.machine.call(s.ctx, command, args...)
	for _, message := range r.logs {
		s.engine.options.Log(s.ctx, message)
	}
	if r.broken {
		s.broken = true
	}
	if ended != nil {
		s.gate.stuck(s.name, ended)
	}
	return r.text, r.err
}

// maxCalls is when a runtime is replaced. A function that leaves ever more in its
// globals would fill the memory of its runtime in the end.
const maxCalls = 2000

func (s *session) end() {
	if s.broken {
		s.machine.close()
		return
	}
	s.machine.serveWith(nil)
	if s.machine.calls > maxCalls {
		s.machine.close()
		return
	}
	s.engine.keep(s.machine)
}

// take returns an idle runtime of the key, nil where there is none.
func (e *Engine) take(k key) *machine {
	e.mu.Lock()
	defer e.mu.Unlock()
	mine := e.idle[k]
	if mine == nil {
		return nil
	}
	return e.forget(mine.Front().Value.(*list.Element))
}

// keep makes a runtime idle, and ends the one that has been idle longest where
// there are too many.
func (e *Engine) keep(m *machine) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		m.close()
		return
	}
	mine := e.idle[m.key]
	if mine == nil {
		mine = list.New()
		e.idle[m.key] = mine
	}
	mine.PushFront(e.order.PushFront(m))
	var old *machine
	if e.order.Len() > e.options.Idle {
		old = e.evict()
	}
	e.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// evict takes out the runtime that has been idle longest. e.mu is held.
func (e *Engine) evict() *machine { return e.forget(e.order.Back()) }

// forget takes one out of both lists. e.mu is held.
func (e *Engine) forget(element *list.Element) *machine {
	m := e.order.Remove(element).(*machine)
	mine := e.idle[m.key]
	for at := mine.Front(); at != nil; at = at.Next() {
		if at.Value.(*list.Element) == element {
			mine.Remove(at)
			break
		}
	}
	if mine.Len() == 0 {
		delete(e.idle, m.key)
	}
	return m
}
