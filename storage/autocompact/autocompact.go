// Package autocompact says when a database is worth compacting.
package autocompact

import (
	"sync/atomic"
	"time"

	"settle/storage/schema"
)

// Policy says when databases are compacted by themselves, one at a time
// and with pauses: when what superseded revisions hold of a database is both so
// many bytes and such a part of all that is stored.
type Policy struct {
	MinBytes   int64         // 0: 1 MiB, as CouchDB's `min_size`; negative: never
	MinPercent int           // 0: 50, as CouchDB's `min_priority` of 2
	Rest       time.Duration // between two compactions of a database; 0: a minute
}

// WithDefaults returns the policy with what is not set.
func (o Policy) WithDefaults() Policy {
	if o.MinBytes == 0 {
		o.MinBytes = 1 << 20
	}
	if o.MinPercent == 0 {
		o.MinPercent = 50
	}
	if o.Rest == 0 {
		o.Rest = time.Minute
	}
	return o
}

// Wants says whether a database is to be compacted, of which so many bytes of garbage
// cannot be removed yet.
func (o Policy) Wants(m *schema.Meta, left int64) bool {
	all := m.BodyBytes + m.BlobBytes
	n := m.Garbage() - left
	return o.MinBytes > 0 && n >= o.MinBytes && n >= (all-left)/100*int64(o.MinPercent)
}

// Leftovers is what the last compaction of a database had to leave, because it is
// kept for a while. It is safe for concurrent use; the zero value is none.
type Leftovers struct{ bytes, until atomic.Int64 }

// leftFor is how long nobody looks again whether Leftovers can go by now.
const leftFor = 24 * time.Hour

// Note says how many bytes had to be left.
func (l *Leftovers) Note(bytes int64, now time.Time) {
	l.bytes.Store(bytes)
	l.until.Store(now.Add(leftFor).Unix())
}

// At returns how many bytes there is no use looking at.
func (l *Leftovers) At(now time.Time) int64 {
	if now.Unix() >= l.until.Load() {
		return 0
	}
	return l.bytes.Load()
}
