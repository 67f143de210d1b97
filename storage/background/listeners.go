package background

import (
	"slices"
	"sync/atomic"
)

// Listeners are functions to call when something happens. The zero value has none. It
// is safe for concurrent use.
type Listeners[F any] struct {
	all atomic.Pointer[[]*F]
}

// Add adds a function, until remove is called.
func (l *Listeners[F]) Add(fn F) (remove func()) {
	added := &fn
	l.change(func(all []*F) []*F { return append(slices.Clip(all), added) })
	return func() {
		l.change(func(all []*F) []*F {
			return slices.DeleteFunc(slices.Clone(all), func(f *F) bool { return f == added })
		})
	}
}

// change replaces the list, which is never changed in place.
func (l *Listeners[F]) change(change func([]*F) []*F) {
	for {
		old := l.all.Load()
		var all []*F
		if old != nil {
			all = *old
		}
		all = change(all)
		if l.all.CompareAndSwap(old, &all) {
			return
		}
	}
}

// Each calls fn with each function that is there now, in the order in which they came.
func (l *Listeners[F]) Each(fn func(F)) {
	all := l.all.Load()
	if all == nil {
		return
	}
	for _, f := range *all {
		fn(*f)
	}
}
