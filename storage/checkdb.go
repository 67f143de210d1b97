package storage

import (
	"bytes"
	"context"
	"fmt"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/revtree"
)

// dbChecker checks one database. It adds up what the by-id rows say, and holds
// the other keyspaces and the totals against it.
type dbChecker struct {
	*checker
	db     *Database
	m      *meta
	want   meta // what the totals should be
	bodies int64
	refs   int64
	counts seqCounts
	blobs  map[couch.BlobID]couch.Attachment
}

func (d *dbChecker) run(ctx context.Context) error {
	d.blobs = make(map[couch.BlobID]couch.Attachment)
	err := d.db.view(ctx, func(_ kv.Reader, m *meta) error {
		d.m = m
		return nil
	})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.documents, d.sequences, d.rows, d.localDocs, d.contents} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.totals()
	return nil
}

func (d *dbChecker) finding(format string, args ...any) {
	d.find(d.db.name, format, args...)
}

// prefix yields the rows that begin with a byte.
func (d *dbChecker) prefix(ctx context.Context, b byte, fn func(kv.KV) error) error {
	for row, err := range pages(ctx, d.db.reader, kv.Range{Lo: []byte{b}, Hi: prefixEnd([]byte{b})}) {
		if err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return nil
}

// documents checks every by-id row, and what it names.
func (d *dbChecker) documents(ctx context.Context) error {
	return d.prefix(ctx, keyDoc, func(row kv.KV) error {
		id := couch.DocID(row.Key[1:])
		doc, err := decodeDocRow(row.Value)
		if err != nil {
			return d.damage(d.db.name, fmt.Sprintf("document %q", id), err)
		}
		if err := doc.tree.Check(); err != nil {
			d.finding("document %q: its tree is unsound: %v", id, err)
		}
		if want := newDocRow(doc.tree, doc.seq); want.winner != doc.winner || want.deleted != doc.deleted {
			d.finding("document %q: its row names another winner than its tree", id)
		}
		*d.want.counter(doc.deleted)++
		*map[bool]*int64{false: &d.checker.counts.Documents, true: &d.checker.counts.Deleted}[doc.deleted]++
		d.want.activeBytes += activeBytes(doc.tree)
		d.counts.add(doc.seq, 1)
		if err := d.sequence(ctx, id, doc); err != nil {
			return err
		}
		for rev, node := range doc.tree.All() {
			if node.Available {
				if err := d.revision(ctx, id, rev, node); err != nil {
					return err
				}
			} else if doc.tree.IsLeaf(rev) {
				d.finding("document %q: leaf %s has no body", id, rev)
			}
		}
		return nil
	})
}

// sequence checks that by-seq says of a document what its tree says.
func (d *dbChecker) sequence(ctx context.Context, id couch.DocID, doc *docRow) error {
	return d.db.view(ctx, func(r kv.Reader, m *meta) error {
		row, err := getOne(ctx, r, seqKey(doc.seq))
		switch {
		case err != nil:
			return err
		case row == nil:
			d.finding("document %q: by-seq does not have it at %d", id, doc.seq)
		case !bytes.Equal(row, newSeqRow(id, doc.tree).encode()):
			d.finding("document %q: by-seq says something else of it", id)
		}
		if doc.seq > m.updateSeq {
			d.finding("document %q: its sequence %d is beyond the database's %d", id, doc.seq, m.updateSeq)
		}
		return nil
	})
}

// revision checks that a stored revision opens, and that its contents are there.
func (d *dbChecker) revision(ctx context.Context, id couch.DocID, rev couch.RevID, node revtree.Node) error {
	d.bodies++
	d.checker.counts.Revisions++
	err := d.db.view(ctx, func(r kv.Reader, _ *meta) error {
		atts, text, err := d.db.readBody(ctx, r, id, rev, node)
		if err != nil {
			return err
		}
		d.want.bodyBytes += int64(len(text))
		if int64(len(text)) != node.Size || (len(atts) > 0) != node.Attachments {
			d.finding("document %q: %s is not of the size that its tree says", id, rev)
		}
		var size int64
		for _, a := range atts {
			d.refs++
			d.blobs[a.Blob] = a
			size += a.Length
			ref, err := getOne(ctx, r, refKey(a.Blob, id, rev))
			if err != nil {
				return err
			}
			if ref == nil {
				d.finding("document %q: %s has no reference to its attachment %q", id, rev, a.Name)
			}
		}
		if size != node.AttSize {
			d.finding("document %q: the attachments of %s are not of the size that its tree says", id, rev)
		}
		return nil
	})
	return d.damage(d.db.name, fmt.Sprintf("document %q, revision %s", id, rev), err)
}

// sequences checks that by-seq has no rows of its own, and its counts.
func (d *dbChecker) sequences(ctx context.Context) error {
	var rows int64
	err := d.prefix(ctx, keySeq, func(row kv.KV) error {
		rows++
		if _, err := decodeSeqRow(row.Value); err != nil || len(row.Key) != 9 {
			d.finding("a row of by-seq cannot be read")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n := d.want.docs + d.want.deleted; rows != n {
		d.finding("by-seq has %d rows for %d documents", rows, n)
	}
	blocks := make(map[string]int64)
	for block, n := range d.counts.delta {
		blocks[string(block.key())] = n
	}
	err = d.prefix(ctx, keySeqCount, func(row kv.KV) error {
		if n, err := decodeCount(row.Value); err != nil || n != blocks[string(row.Key)] {
			d.finding("a count of by-seq's rows is wrong")
		}
		delete(blocks, string(row.Key))
		return nil
	})
	if len(blocks) > 0 {
		d.finding("%d counts of by-seq's rows are missing", len(blocks))
	}
	return err
}

// rows checks that no body and no reference is there that no revision names.
func (d *dbChecker) rows(ctx context.Context) error {
	for _, kind := range []struct {
		key  byte
		want int64
		name string
	}{{keyBody, d.bodies, "bodies"}, {keyRef, d.refs, "references to attachments"}} {
		var n int64
		err := d.prefix(ctx, kind.key, func(kv.KV) error { n++; return nil })
		if err != nil {
			return err
		}
		if n != kind.want {
			d.finding("there are %d %s where the documents name %d", n, kind.name, kind.want)
		}
	}
	return nil
}

func (d *dbChecker) localDocs(ctx context.Context) error {
	return d.prefix(ctx, keyLocal, func(row kv.KV) error {
		d.checker.counts.LocalDocs++
		id := couch.DocID(row.Key[1:])
		_, err := d.db.openLocal(id, row.Value)
		return d.damage(d.db.name, fmt.Sprintf("local document %q", id), domainError(err))
	})
}

// totals holds the meta row against what was added up.
func (d *dbChecker) totals() {
	d.checker.counts.Bytes += d.want.bodyBytes + d.want.blobBytes
	for _, t := range []struct {
		name      string
		got, want int64
	}{
		{"documents", d.m.docs, d.want.docs},
		{"deleted documents", d.m.deleted, d.want.deleted},
		{"active bytes", d.m.activeBytes, d.want.activeBytes},
		{"body bytes", d.m.bodyBytes, d.want.bodyBytes},
		{"blobs", d.m.blobs, d.want.blobs},
		{"blob bytes", d.m.blobBytes, d.want.blobBytes},
	} {
		if t.got != t.want {
			d.finding("it counts %d %s, and has %d", t.got, t.name, t.want)
		}
	}
}
