package auth

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"settle/storage/couch"
)

var errLocked = &couch.Error{Kind: couch.Forbidden, Reason: "Account is temporarily locked due to multiple authentication failures"}

// How many more failures than those of one address with one name count for a
// name from everywhere, and for an address with every name. They refuse only
// log-ins that would have to be computed: whoever has logged in since the start
// goes on. An address may be that of a proxy that [Lockout] does not name, with
// everybody behind it.
const (
	nameFactor    = 20
	addressFactor = 200
)

// guess is one attempt to log in, as the failures are counted.
type guess struct{ name, address, salt string }

// guess returns the attempt of a request. The salt is the account's: a new password
// begins a new count.
func (l Lockout) guess(req *http.Request, name, salt string) guess {
	if len(name) > sha256.Size { // a record has a bounded size
		sum := sha256.Sum256([]byte(name))
		name = string(sum[:])
	}
	return guess{name: name, address: l.client(req), salt: salt}
}

// failures counts failed attempts.
type failures struct {
	mu      sync.Mutex
	records map[guess]record
	order   []guess // the records, the oldest first; may name some twice

	underWay map[guess]int // the guesses that are being tried; none is 0
	ended    chan struct{} // closed by the next guess that ends; nil where nobody waits
}

type record struct {
	count int
	last  time.Time
}

// bound is how many failures there may be of what a guess counts for.
type bound struct {
	of       guess
	failures int
}

// bounds returns those of a guess: of the address with the name, and of both alone.
func (l Lockout) bounds(g guess) [3]bound {
	n := l.failures()
	return [3]bound{{g, n}, {guess{name: g.name}, nameFactor * n}, {guess{address: g.address}, addressFactor * n}}
}

func (l Lockout) enforced() bool { return !l.Off && !l.WarnOnly }

// locked reports whether the attempts of an address with a name are refused.
func (f *failures) locked(g guess, l Lockout) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.enforced() && f.count(g, l) >= l.failures()
}

// count returns the failures that still count. f.mu is held.
func (f *failures) count(g guess, l Lockout) int {
	r := f.records[g]
	if time.Since(r.last) >= l.memory() {
		return 0
	}
	return r.count
}

// add counts a failure. f.mu is held.
func (f *failures) add(g guess, l Lockout) {
	if l.Off {
		return
	}
	for _, b := range l.bounds(g) {
		f.addOne(b.of, l)
	}
}

// addOne counts one failure. f.mu is held.
func (f *failures) addOne(g guess, l Lockout) {
	now := time.Now()
	r, known := f.records[g]
	if known && now.Sub(r.last) >= l.memory() {
		r.count = 0
	}
	if f.records == nil {
		f.records = map[guess]record{}
	}
	f.records[g] = record{count: r.count + 1, last: now}
	if !known {
		f.order = append(f.order, g)
	}
	f.trim(l.records())
}

// trim forgets the records that were begun first, beyond so many. f.mu is held.
func (f *failures) trim(records int) {
	for len(f.records) > records {
		oldest := f.order[0]
		f.order[0] = guess{}
		f.order = f.order[1:]
		delete(f.records, oldest)
	}
}
