package recordings

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	untilPause      = 200 * time.Millisecond
	backgroundPause = 500 * time.Millisecond // lets a background request reach the server before the next one
)

// Player plays scenarios against one server, one at a time.
type Player struct {
	client *client
	// UntilLimit bounds the repetition of an "until" exchange. 0 means HeadLimit.
	UntilLimit func(exchange int) time.Duration
}

// NewPlayer takes the server's address with the admin's credentials in it:
// http://admin:pass@127.0.0.1:5984.
func NewPlayer(server string) (*Player, error) {
	c, err := newClient(server)
	if err != nil {
		return nil, err
	}
	return &Player{client: c}, nil
}

// performance is one scenario being played.
type performance struct {
	*client
	untilLimit func(exchange int) time.Duration
	vars       *variables
	running    map[string]<-chan *Answer
}

// Play prepares the scenario's databases, sends its requests, and removes the
// databases. It returns an answer for each exchange that has a response
// recorded (with Status 0 where none came), nil for the others. It fails only
// where the scenario itself cannot be sent.
func (p *Player) Play(s *Scenario) ([]*Answer, error) {
	run := &performance{client: p.client, untilLimit: p.UntilLimit,
		vars: newVariables(p.client.address()), running: map[string]<-chan *Answer{}}
	if err := run.removeDatabases(s); err != nil {
		return nil, err
	}
	for _, db := range s.Databases {
		if err := run.prepare("PUT", db); err != nil {
			return nil, err
		}
	}
	answers := make([]*Answer, len(s.Exchanges))
	for i := range s.Exchanges {
		a, err := run.step(i, &s.Exchanges[i])
		if err != nil {
			return nil, fmt.Errorf("exchange %d: %w", i, err)
		}
		answers[i] = a
	}
	return answers, run.removeDatabases(s)
}

func (run *performance) removeDatabases(s *Scenario) error {
	for _, names := range [][]string{s.Databases, s.Absent} {
		for _, db := range names {
			if err := run.prepare("DELETE", db); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepare sends a request for a database; any answer will do, since databases
// that are to be deleted need not exist.
func (run *performance) prepare(method, db string) error {
	_, err := run.send(&Request{Method: method, Path: "/" + url.PathEscape(db), Auth: "admin"}, nil)
	return err
}

func (run *performance) step(i int, e *Exchange) (*Answer, error) {
	switch {
	case e.Sleep > 0:
		time.Sleep(time.Duration(e.Sleep * float64(time.Second)))
		return nil, nil
	case e.Await != "":
		answer, ok := run.running[e.Await]
		if !ok {
			return nil, fmt.Errorf("nothing runs under the name %q", e.Await)
		}
		delete(run.running, e.Await)
		return <-answer, nil
	}
	request := e.Request.filled(run.vars)
	body, err := bodyOf(e.Request, run.vars)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Background != "":
		done := make(chan *Answer, 1)
		run.running[e.Background] = done
		go func() { done <- run.exchange(e, request, body) }()
		time.Sleep(backgroundPause)
		return nil, nil
	case e.Until != nil:
		return run.repeat(i, e, request, body), nil
	default:
		return run.exchange(e, request, body), nil
	}
}

// repeat sends until the JSON answer has the wanted value in its place.
func (run *performance) repeat(i int, e *Exchange, r *Request, body []byte) *Answer {
	limit := HeadLimit
	if run.untilLimit != nil {
		if d := run.untilLimit(i); d > 0 {
			limit = d
		}
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(untilPause) {
		a := run.exchange(e, r, body)
		v, ok := dig(a.jsonBody(), e.Until.Place)
		if ok && equalJSON(v, e.Until.Value) || time.Now().After(deadline) {
			return a
		}
	}
}

func (a *Answer) jsonBody() any {
	if a.Form == FormJSON {
		return a.Body
	}
	return nil
}

// exchange sends one request and keeps what its answer leaves for later ones.
func (run *performance) exchange(e *Exchange, r *Request, body []byte) *Answer {
	got, err := run.send(r, body)
	if err != nil {
		return &Answer{Failure: err.Error()}
	}
	a := answerOf(got, run.address(), e.Raw)
	for name, place := range e.Save {
		if place == "cookie" {
			cookie, _, _ := strings.Cut(got.headers.Get("Set-Cookie"), ";")
			run.vars.set(name, cookie)
		} else if v, ok := dig(a.jsonBody(), place); ok && a.Form == FormJSON {
			run.vars.set(name, textOf(v))
		}
	}
	return a
}
