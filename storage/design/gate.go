package design

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"settle/storage/couch"
)

// key names functions: a hash of their scope and of all that they are compiled from.
type key [sha256.Size]byte

func newKey(parts ...string) key {
	h := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return key(h.Sum(nil))
}

// gate limits how many calls run at a time, in all and for one scope.
type gate struct {
	all     chan struct{}
	each    int
	mu      sync.Mutex
	byScope map[couch.Incarnation]*lane
	stuckAt map[key]int // calls that were given up and still run
}

// lane is the limit of one scope. It lives while somebody uses it or waits for it.
type lane struct {
	slots chan struct{}
	users int
}

func newGate(all, each int) *gate {
	return &gate{all: make(chan struct{}, all), each: each, byScope: map[couch.Incarnation]*lane{}, stuckAt: map[key]int{}}
}

// enter waits for a place; leave gives it back. Waiting in their scope's lane first,
// one database's calls never stand in the way of others.
func (g *gate) enter(ctx context.Context, f functions) error {
	l, err := g.join(f)
	if err != nil {
		return err
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		g.part(f, l)
		return ctx.Err()
	}
	select {
	case g.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-l.slots
		g.part(f, l)
		return ctx.Err()
	}
}

func (g *gate) leave(f functions) {
	<-g.all
	g.mu.Lock()
	l := g.byScope[f.scope]
	g.mu.Unlock()
	<-l.slots
	g.part(f, l)
}

func (g *gate) join(f functions) (*lane, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stuckAt[f.name] > 0 {
		return nil, errLate
	}
	l := g.byScope[f.scope]
	if l == nil {
		l = &lane{slots: make(chan struct{}, g.each)}
		g.byScope[f.scope] = l
	}
	l.users++
	return l, nil
}

func (g *gate) part(f functions, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.byScope, f.scope)
	}
}

// stuck refuses calls of the functions of a name until ended is closed.
func (g *gate) stuck(k key, ended <-chan struct{}) {
	g.mu.Lock()
	g.stuckAt[k]++
	g.mu.Unlock()
	go func() {
		<-ended
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.stuckAt[k]--; g.stuckAt[k] == 0 {
			delete(g.stuckAt, k)
		}
	}()
}
