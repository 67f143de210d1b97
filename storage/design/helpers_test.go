package design_test

import (
	"errors"
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/design"
)

// anyScope is the scope of functions where there is one only.
var anyScope = couch.Incarnation{1}

const (
	// patience is the limit of functions that end by themselves, which a busy machine
	// does not reach.
	patience = slow * time.Minute
	// loopTime is the limit where a test has to wait for it.
	loopTime = max(2, slow/2) * time.Second
)

func isNamed(err error, name string) bool {
	var e *design.Error
	return errors.As(err, &e) && e.Name == name
}

// document opens a design document with the given members.
func document(t *testing.T, e *design.Engine, members map[string]any) *design.Document {
	t.Helper()
	d, err := e.Document(anyScope, []byte(marshal(t, members)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
