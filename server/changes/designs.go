package changes

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"weak"

	"settle/storage/couch"
	"settle/storage/design"
)

// designs opens design documents. Feeds with the same one share it: thousands of them
// may wait.
type designs struct {
	engine *design.Engine

	mu     sync.Mutex
	opened map[[sha256.Size]byte]weak.Pointer[design.Document]
}

// open opens a design document of a database, JSON. The error is a *design.Error.
func (d *designs) open(scope couch.Incarnation, text []byte) (*design.Document, error) {
	key := sha256.Sum256(append(scope[:], text...))
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc := d.opened[key].Value(); doc != nil {
		return doc, nil
	}
	doc, err := d.engine.Document(scope, text)
	if err != nil {
		return nil, err
	}
	if d.opened == nil {
		d.opened = make(map[[sha256.Size]byte]weak.Pointer[design.Document])
	}
	pointer := weak.Make(doc)
	d.opened[key] = pointer
	runtime.AddCleanup(doc, func(key [sha256.Size]byte) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.opened[key] == pointer {
			delete(d.opened, key)
		}
	}, key)
	return doc, nil
}
