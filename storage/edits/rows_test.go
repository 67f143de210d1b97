package edits_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// held counts the documents' rows that were read and are not written yet.
type held struct{ now, most int }

func (h *held) read(keys [][]byte) {
	for _, key := range keys {
		if bytes.HasPrefix(key, schema.All(schema.KindDoc).Lo) {
			h.now++
		}
	}
	h.most = max(h.most, h.now)
}

type heldTx struct {
	kv.Tx
	*held
}

func (tx heldTx) GetMulti(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	tx.read(keys)
	return tx.Tx.GetMulti(ctx, keys...)
}

func (tx heldTx) Set(k, v []byte) {
	if bytes.HasPrefix(k, schema.All(schema.KindDoc).Lo) {
		tx.now--
	}
	tx.Tx.Set(k, v)
}

// rehearsed counts the rows of one read: in a rehearsal none is written.
type rehearsed struct {
	kv.Reader
	*held
}

func (r rehearsed) GetMulti(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	r.now = 0
	r.read(keys)
	return r.Reader.GetMulti(ctx, keys...)
}

// replicatedText is a document in generation gen of a history without branches.
func replicatedText(i int, gen uint64) string {
	ids := []string{`"d"`, `"c"`, `"b"`, `"a"`}[4-gen:]
	return fmt.Sprintf(`{"_id":"d%03d","_revisions":{"start":%d,"ids":[%s]}}`, i, gen, strings.Join(ids, ","))
}

// What is stored of the documents of a batch may be far larger than the batch: no more
// than some rows are held, however many documents a transaction has. Each
// document has two edits.
func TestRowsHeld(t *testing.T) {
	const docs = 450
	for _, tt := range []struct {
		name  string
		limit int // of a chunk
	}{
		{"one transaction", 2 * docs},
		{"two transactions, rehearsed", docs - 1},
		{"many transactions, rehearsed", 7},
	} {
		b := newBench(t)
		b.o.Spool.Limit = spool.Limit{Docs: tt.limit, Bytes: 1 << 20}
		var h held
		b.o.View = func(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
			return b.view(ctx, func(r kv.Reader, m *schema.Meta) error { return fn(rehearsed{r, &h}, m) })
		}
		b.o.Update = func(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
			h.now = 0
			return b.update(ctx, func(tx kv.Tx, m *schema.Meta) error { return fn(heldTx{tx, &h}, m) }, opts...)
		}
		for _, gens := range [][]uint64{{1, 2}, {3, 4}} { // of new documents, and of stored ones
			var texts, want []string
			for _, gen := range gens {
				for i := range docs {
					texts = append(texts, replicatedText(i, gen))
					want = append(want, fmt.Sprintf("d%03d %d", i, gen))
				}
			}
			got, err := b.write(edits.Replicated, texts...)
			if diff := cmp.Diff(want, results(got)); err != nil || diff != "" {
				t.Fatalf("%s: %v (-want +got):\n%s", tt.name, err, diff)
			}
		}
		if h.most == 0 || h.most > 100 {
			t.Errorf("%s: the rows of %d documents are held", tt.name, h.most)
		}
		for i := range docs {
			id := couch.DocID(fmt.Sprintf("d%03d", i))
			if diff := cmp.Diff([]string{"4-d"}, b.leaves(id)); diff != "" || b.tree(id).Tree.Len() != 4 {
				t.Fatalf("%s: leaves of %s (-want +got):\n%s", tt.name, id, diff)
			}
		}
		if m := b.meta(); m.DocCount != docs {
			t.Errorf("%s: %d documents", tt.name, m.DocCount)
		}
	}
}
