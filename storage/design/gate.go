package design

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// key names functions that may share runtimes: a hash of all that they were
// compiled from.
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

// gate limits how many calls run at a time, in all and for one key.
type gate struct {
	all     chan struct{}
	each    int
	mu      sync.Mutex
	byKey   map[key]*lane
	stuckAt map[key]int // calls that were given up and still run
}

// lane is the limit of one key. It lives while somebody uses it or waits for it.
type lane struct {
	slots chan struct{}
	users int
}

func newGate(all, each int) *gate {
	return &gate{all: make(chan struct{}, all), each: each, byKey: map[key]*lane{}, stuckAt: map[key]int{}}
}

// enter waits for a place; leave gives it back. Waiting in the key's lane first,
// one design document's calls never stand in the way of others.
func (g *gate) enter(ctx context.Context, k key) error {
	l, err := g.join(k)
	if err != nil {
		return err
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		g.part(k, l)
		return ctx.Err()
	}
	select {
	case g.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-l.slots
		g.part(k, l)
		return ctx.Err()
	}
}

func (g *gate) leave(k key) {
	<-g.all
	g.mu.Lock()
	l := g.byKey[k]
	g.mu.Unlock()
	<-l.slots
	g.part(k, l)
}

func (g *gate) join(k key) (*lane, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stuckAt[k] > 0 {
		return nil, errLate
	}
	l := g.byKey[k]
	if l == nil {
		l = &lane{slots: make(chan struct{}, g.each)}
		g.byKey[k] = l
	}
	l.users++
	return l, nil
}

func (g *gate) part(k key, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.byKey, k)
	}
}

// stuck refuses the key's calls until ended is closed.
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
