package changes

import (
	"errors"
	"io"
	"time"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// feed is one answer of `_changes` while it is made.
type feed struct {
	r      *web.Request
	db     Database
	o      options
	filter *filter // nil: every document
	out    *output

	newest  couch.Seq // the database's, when the feed or its last pass began
	last    couch.Seq // everything up to it has been shown or left out
	left    int64     // rows until the limit; negative: no limit in answers that end
	pending int64     // rows not shown, where a pass counts them
	counted bool      // the last pass did
}

// start finds out where the feed begins. The error is ErrMalformedSeq, or one of
// the database.
func (f *feed) start() error {
	var err error
	if f.newest, err = f.db.UpdateSeq(f.r.Context()); err != nil {
		return err
	}
	f.last = f.newest
	if f.o.since == "now" || f.o.changes.Descending {
		return nil
	}
	f.last, err = f.db.ParseSeq(f.o.since, f.newest)
	return err
}

// runDetached sends the header, and lets the feed go on behind the handler, so
// that a feed that waits is small.
func (f *feed) runDetached() error {
	if err := f.out.flush(); err != nil {
		return err
	}
	return f.r.Detach(func(r *web.Request) error {
		f.r, f.out.r = r, r
		return f.run()
	})
}

// run writes the feed to its end.
//
// The channel that tells of the next commit is taken before the changes are
// read, so that no commit falls between reading and waiting.
func (f *feed) run() error {
	if err := f.out.begin(); err != nil {
		return err
	}
	for {
		committed := f.db.Wait()
		if err := f.pass(); err != nil {
			if f.o.kind != normal && f.r.Response.Committed && errors.Is(err, couch.ErrDatabaseMissing) {
				return f.finish()
			}
			return err
		}
		if f.complete() {
			return f.finish()
		}
		if more, err := f.wait(committed); err != nil {
			return err
		} else if !more {
			return f.finish()
		}
	}
}

// complete reports whether the feed has shown all that it is going to. A limit
// of no rows at all does not end a longpoll.
func (f *feed) complete() bool {
	switch f.o.kind {
	case normal:
		return true
	case longpoll:
		return f.out.rows > 0
	}
	return f.left <= 0 || f.o.changes.Descending
}

// wait waits for the next commit, with heartbeats, and reports whether to go on:
// not after the timeout, nor when the server shuts down.
func (f *feed) wait(committed <-chan struct{}) (more bool, err error) {
	if err := f.out.flush(); err != nil {
		return false, err
	}
	f.out.release()
	for {
		timer := time.NewTimer(time.Until(f.out.quiet.Add(f.patience())))
		select {
		case <-committed:
			timer.Stop()
			if f.o.kind == eventSource { // CouchDB's tell of every commit
				_, err = io.WriteString(f.out, f.out.layout.beat)
			}
			return err == nil, err
		case <-f.r.Draining():
			timer.Stop()
			return false, nil
		case <-f.r.Context().Done():
			timer.Stop()
			return false, f.r.Context().Err()
		case <-timer.C:
		}
		if f.o.heartbeat == 0 {
			return false, nil
		}
		if err := f.out.beat(); err != nil {
			return false, err
		}
		f.out.release()
	}
}

// patience is how long the feed may be quiet.
func (f *feed) patience() time.Duration {
	if f.o.heartbeat > 0 {
		return f.o.heartbeat
	}
	return f.o.timeout
}

// finish writes the end of the feed.
func (f *feed) finish() error {
	if !f.counted {
		var err error
		f.pending, err = f.db.PendingChanges(f.r.Context(), f.last)
		if err != nil && !errors.Is(err, couch.ErrDatabaseMissing) {
			return err
		}
	}
	return f.out.close(f.seq(f.last), max(f.pending, 0))
}

// seq prints a sequence as JSON; its text needs no escapes.
func (f *feed) seq(n couch.Seq) string { return `"` + f.db.FormatSeq(n) + `"` }

// show writes a row.
func (f *feed) show(c *couch.Change) error {
	seq := "null"
	if f.o.interval == 0 || f.left%f.o.interval == 0 {
		seq = f.seq(c.Seq)
	}
	var doc func(*output) error
	if f.o.changes.IncludeDocs {
		doc = func(out *output) error { return f.showDoc(out, c.Doc) }
	}
	if err := f.out.row(c, seq, doc); err != nil {
		return err
	}
	f.last = c.Seq
	f.left--
	f.pending--
	if f.o.kind.live() {
		return f.out.flush()
	}
	return nil
}

func (f *feed) showDoc(out *output, doc *couch.Document) error {
	b := out.buffer()
	switch {
	case doc == nil: // its revision is not stored any more
		*b = append(*b, "null"...)
	case f.filter != nil && f.filter.selection != nil && f.filter.selection.fields != nil:
		*b = f.filter.selection.appendFields(*b, doc)
	case f.o.attachments:
		return docjson.WriteDocument(out, doc, docjson.Print{Open: f.openAttachment})
	default:
		*b = docjson.AppendDocument(*b, doc, docjson.Print{})
	}
	return nil
}

func (f *feed) openAttachment(a *couch.Attachment) (io.ReadCloser, error) {
	return f.db.ReadBlob(f.r.Context(), *a, 0, -1)
}

// skip notes that a row is left out, which must not silence the feed for longer
// than it may be quiet.
func (f *feed) skip(c *couch.Change) error {
	if f.filter.reads() {
		f.last = c.Seq
		if f.left != 0 {
			f.pending--
		}
	}
	if f.o.heartbeat > 0 && time.Since(f.out.quiet) >= f.o.heartbeat {
		return f.out.beat()
	}
	return nil
}

// draining reports whether the server shuts down.
func (f *feed) draining() bool {
	select {
	case <-f.r.Draining():
		return true
	default:
		return false
	}
}
