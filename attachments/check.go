package attachments

import (
	"context"
	"crypto/md5"
	"errors"
	"io"

	"settle/storage/couch"
	"settle/storage/kv"
)

// View runs a function over a consistent state of the database's partition.
type View func(ctx context.Context, fn func(kv.Reader) error) error

// ErrOrphan is the Problem of a file without a record. It is no damage: a crash
// leaves such files, and Sweep removes them.
var ErrOrphan = errors.New("attachments: file without a record")

// Problem is something that Check found.
type Problem struct {
	Blob couch.BlobID // zero where the key of a record is malformed
	Err  error        // matches couch.ErrCorrupt, or is ErrOrphan
}

// Checked says what Check has read.
type Checked struct {
	Blobs int   // records
	Bytes int64 // of content that is whole
}

const (
	checkRows  = 256
	checkBytes = 1 << 20
)

// Check reads every record of the database and the whole content of every blob,
// compares length and MD5 with the record, and looks for files without one. Each
// problem goes to report. The error is of the View, of the file system or of ctx;
// problems are none.
func (b *Blobs) Check(ctx context.Context, view View, report func(Problem)) (Checked, error) {
	var checked Checked
	for from := b.prefix; ; {
		var page []checkedRow
		var next []byte
		err := view(ctx, func(rd kv.Reader) (err error) {
			page, next, err = b.checkPage(ctx, rd, from)
			return err
		})
		if err != nil {
			return checked, err
		}
		for _, row := range page {
			checked.Blobs++
			n, err := b.checkRow(ctx, view, row, report)
			if err != nil {
				return checked, err
			}
			checked.Bytes += n
		}
		if next == nil {
			return checked, b.checkFiles(ctx, view, report)
		}
		from = next
	}
}

type checkedRow struct {
	id   couch.BlobID
	blob *Blob
	err  error
}

// checkPage opens the records from key on, and returns where to go on; nil at the end.
func (b *Blobs) checkPage(ctx context.Context, rd kv.Reader, from []byte) (page []checkedRow, next []byte, err error) {
	size := 0
	for row, err := range rd.Scan(ctx, kv.Range{Lo: from, Hi: prefixEnd(b.prefix), Limit: checkRows}) {
		if err != nil {
			return nil, nil, err
		}
		var r checkedRow
		if suffix := row.Key[len(b.prefix):]; len(suffix) == len(r.id) {
			r.id = couch.BlobID(suffix)
			r.blob, r.err = b.open(r.id, row.Value)
		} else {
			r.err = corrupt(r.id, errors.New("the key of a record is malformed"))
		}
		page = append(page, r)
		if size += len(row.Value); size >= checkBytes || len(page) == checkRows {
			return page, append(append([]byte{}, row.Key...), 0), nil
		}
	}
	return page, nil, nil
}

// checkRow reads the content of a blob, if it is here, and returns how long it is where it
// is whole.
func (b *Blobs) checkRow(ctx context.Context, view View, row checkedRow, report func(Problem)) (int64, error) {
	if row.err == nil && row.blob.deferral != nil {
		return 0, nil
	}
	if row.err == nil {
		row.err = row.blob.verify(ctx)
	}
	if row.err == nil {
		return row.blob.Length(), nil
	}
	return 0, b.judge(ctx, view, row, report)
}

// judge reports what is wrong with a blob, unless it was deleted meanwhile.
func (b *Blobs) judge(ctx context.Context, view View, row checkedRow, report func(Problem)) error {
	switch {
	case !errors.Is(row.err, couch.ErrCorrupt):
		return row.err
	case errors.Is(row.err, ErrFileMissing):
		exist, err := b.existing(view)(ctx, b.id, []couch.BlobID{row.id})
		if err != nil || !exist[0] {
			return err
		}
	}
	report(Problem{Blob: row.id, Err: row.err})
	return nil
}

func (b *Blobs) checkFiles(ctx context.Context, view View, report func(Problem)) error {
	return b.store.files(b.id, func(ids []couch.BlobID) error {
		orphans, err := b.store.orphans(ctx, ids, b.id, b.existing(view))
		for _, id := range orphans {
			report(Problem{Blob: id, Err: ErrOrphan})
		}
		return err
	})
}

func (b *Blobs) existing(view View) Existing {
	return func(ctx context.Context, _ kv.Partition, ids []couch.BlobID) (exist []bool, err error) {
		err = view(ctx, func(rd kv.Reader) (err error) {
			exist, err = b.Exist(ctx, rd, ids...)
			return err
		})
		return exist, err
	}
}

// verify reads the whole content.
func (b *Blob) verify(ctx context.Context) error {
	r, err := b.Reader(0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := md5.New()
	n, err := io.Copy(sum, &contextReader{ctx, r})
	if err != nil {
		return err
	}
	if n != b.Length() || couch.Digest(sum.Sum(nil)) != b.Digest() {
		return corrupt(b.id, errors.New("the content is not the one that the record promises"))
	}
	return nil
}

// contextReader ends with the error of its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// prefixEnd returns the first key behind all that begin with prefix; nil for an
// empty prefix.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte{}, prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
