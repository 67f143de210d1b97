package seqcount_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/seqcount"
)

var partition = schema.Partition(schema.FirstDatabase)

// feed is a by-seq with its counts, and the sequences that it should hold.
type feed struct {
	t    *testing.T
	kv   *kv.Pebble
	seqs map[couch.Seq]bool
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	s, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &feed{t: t, kv: s, seqs: make(map[couch.Seq]bool)}
}

// move makes a transaction of documents that leave a sequence, unless it is 0,
// and come to another.
func (f *feed) move(moves [][2]couch.Seq) {
	f.t.Helper()
	err := f.kv.Update(context.Background(), partition, func(tx kv.Tx) error {
		var counts seqcount.Counts
		for _, m := range moves {
			if m[0] != 0 {
				tx.Delete(schema.SeqKey(m[0]))
				counts.Add(m[0], -1)
			}
			tx.Set(schema.SeqKey(m[1]), nil)
			counts.Add(m[1], 1)
		}
		return counts.Store(context.Background(), tx)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, m := range moves {
		delete(f.seqs, m[0])
		f.seqs[m[1]] = true
	}
}

func (f *feed) behind(since couch.Seq) (n int64, err error) {
	err = f.kv.View(context.Background(), partition, func(r kv.Reader) error {
		n, err = seqcount.Behind(context.Background(), r, since)
		return err
	})
	return n, err
}

// check holds Behind against counting by hand.
func (f *feed) check(since couch.Seq) {
	f.t.Helper()
	var want int64
	for seq := range f.seqs {
		if seq > since {
			want++
		}
	}
	if got, err := f.behind(since); err != nil || got != want {
		f.t.Errorf("behind %d there are %d rows, want %d; %v", since, got, want, err)
	}
}

func TestEmpty(t *testing.T) {
	f := newFeed(t)
	f.check(0)
	f.check(1 << 40)
}

// Around the ends of the blocks of each level.
func TestBlockEnds(t *testing.T) {
	f := newFeed(t)
	var ends []couch.Seq
	for _, bits := range schema.SeqBlockBits {
		ends = append(ends, 1<<bits, 3<<bits)
	}
	var moves [][2]couch.Seq
	for _, end := range ends {
		for seq := end - 2; seq <= end+2; seq++ {
			moves = append(moves, [2]couch.Seq{0, seq})
		}
	}
	f.move(moves)
	f.check(0)
	for _, end := range ends {
		for since := end - 4; since <= end+4; since++ {
			f.check(since)
		}
	}
}

// Random documents change, at sequences with gaps of all widths.
func TestRandomChanges(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	f := newFeed(t)
	docs := make([]couch.Seq, 60) // each document's sequence
	last := couch.Seq(0)
	for range 300 {
		var moves [][2]couch.Seq
		for _, doc := range rng.Perm(len(docs))[:1+rng.IntN(5)] {
			last += 1 + couch.Seq(rng.Uint64()>>(42+rng.IntN(22)))
			moves = append(moves, [2]couch.Seq{docs[doc], last})
			docs[doc] = last
		}
		f.move(moves)
		f.check(0)
		f.check(last - 1)
		f.check(couch.Seq(rng.Uint64N(uint64(last) + 2)))
		f.check(docs[rng.IntN(len(docs))])
	}
}

// A block that has lost its last row has no count either.
func TestNoEmptyCounts(t *testing.T) {
	f := newFeed(t)
	f.move([][2]couch.Seq{{0, 5}})
	f.move([][2]couch.Seq{{5, 5 << 20}})
	n := 0
	for row, err := range kv.Pages(context.Background(), f.view, schema.All(schema.KindSeqCount)) {
		if count, bad := schema.DecodeSeqCount(row.Value); err != nil || bad != nil || count != 1 {
			t.Errorf("%x counts %d; %v, %v", row.Key, count, err, bad)
		}
		n++
	}
	if n != len(schema.SeqBlockBits) {
		t.Errorf("there are %d counts, want %d", n, len(schema.SeqBlockBits))
	}
}

func (f *feed) view(ctx context.Context, fn func(kv.Reader) error) error {
	return f.kv.View(ctx, partition, fn)
}

// A count that makes no sense is an error, in reading and in writing.
func TestDamagedCount(t *testing.T) {
	f := newFeed(t)
	f.move([][2]couch.Seq{{0, 5000}})
	set := func(block schema.SeqBlock, value []byte) error {
		return f.kv.Update(context.Background(), partition, func(tx kv.Tx) error {
			tx.Set(block.Key(), value)
			return nil
		})
	}
	for _, block := range schema.SeqBlocks(5000) {
		for _, bad := range [][]byte{{}, {0x80}, {2, 0}, {0}, {1}} { // the last ones are 0 and -1
			if err := set(block, bad); err != nil {
				t.Fatal(err)
			}
			var counts seqcount.Counts
			counts.Add(5000, 1)
			err := f.kv.Update(context.Background(), partition, func(tx kv.Tx) error {
				return counts.Store(context.Background(), tx)
			})
			if !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("level %d, %x: storing gives %v, want an error of corruption", block.Level, bad, err)
			}
			if block.Level > 0 {
				continue
			}
			if _, err := f.behind(0); !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("%x: counting gives %v, want an error of corruption", bad, err)
			}
		}
		if err := set(block, schema.EncodeSeqCount(1)); err != nil {
			t.Fatal(err)
		}
	}
}
