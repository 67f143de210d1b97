package courier

import (
	"context"
	"errors"
	"io"
	"time"
)

// patience is how long a server may take for a piece of a delivery, and to begin its
// answer once it has the whole, and to end it.
const patience = 2 * time.Minute

// errStalled is why a delivery ends that its server lets stand still.
var errStalled = errors.New("the server does not go on with the delivery")

// watched returns a context that ends by errStalled when timer, which runs already, does.
// Call end at the end.
func watched(ctx context.Context) (_ context.Context, timer *time.Timer, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer = time.AfterFunc(patience, func() { cancel(errStalled) })
	return ctx, timer, func() {
		timer.Stop() // a transport that still reads may set it again, which ends nothing
		cancel(nil)
	}
}

// watchedReader is a body of which each read gives the server its time anew. That for
// which the content keeps it waiting does not count.
type watchedReader struct {
	r     io.Reader
	timer *time.Timer
}

// Read reads from the body.
func (w watchedReader) Read(p []byte) (int, error) {
	w.timer.Stop()
	defer w.timer.Reset(patience)
	return w.r.Read(p)
}
