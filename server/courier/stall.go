package courier

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// patience is how long a server may take for a piece of a delivery, and to begin its
// answer once it has the whole, and to end it.
const patience = 2 * time.Minute

// errStalled is why a delivery ends that its server lets stand still.
var errStalled = errors.New("the server does not go on with the delivery")

// watch ends a delivery that its server lets stand still.
type watch struct {
	mu        sync.Mutex
	timer     *time.Timer
	answering bool // the server answers: what becomes of the body counts no more
}

// watched returns a context that ends by errStalled when the server's time is up, which
// runs already. Call end at the end.
func watched(ctx context.Context) (_ context.Context, w *watch, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = &watch{timer: time.AfterFunc(patience, func() { cancel(errStalled) })}
	return ctx, w, func() {
		w.answers() // a transport may still read
		w.timer.Stop()
		cancel(nil)
	}
}

// answers says that the server has begun to answer. From here on its time runs anew.
func (w *watch) answers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answering = true
	w.timer.Reset(patience)
}

// waits says whether the body is waited for, for which the server's time does not run;
// where it is no more it runs anew.
func (w *watch) waits(forBody bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.answering:
	case forBody:
		w.timer.Stop()
	default:
		w.timer.Reset(patience)
	}
}

// watchedReader is a body of which each read gives the server its time anew. That for
// which the content keeps it waiting does not count.
type watchedReader struct {
	r     io.Reader
	watch *watch
}

// Read reads from the body.
func (w watchedReader) Read(p []byte) (int, error) {
	w.watch.waits(true)
	defer w.watch.waits(false)
	return w.r.Read(p)
}
