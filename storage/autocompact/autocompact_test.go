package autocompact_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/autocompact"
	"settle/storage/schema"
)

func TestDefaults(t *testing.T) {
	for _, tt := range []struct{ given, want autocompact.Policy }{
		{autocompact.Policy{}, autocompact.Policy{MinBytes: 1 << 20, MinPercent: 50, Rest: time.Minute}},
		{autocompact.Policy{MinBytes: 7, MinPercent: 1, Rest: time.Hour}, autocompact.Policy{MinBytes: 7, MinPercent: 1, Rest: time.Hour}},
		{autocompact.Policy{MinBytes: -1}, autocompact.Policy{MinBytes: -1, MinPercent: 50, Rest: time.Minute}},
	} {
		if diff := cmp.Diff(tt.want, tt.given.WithDefaults()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.given, diff)
		}
	}
}

func TestWants(t *testing.T) {
	policy := autocompact.Policy{MinBytes: 1000, MinPercent: 50}
	for _, tt := range []struct {
		name   string
		policy autocompact.Policy
		meta   schema.Meta
		left   int64
		want   bool
	}{
		{"nothing is stored", policy, schema.Meta{}, 0, false},
		{"no garbage", policy, schema.Meta{BodyBytes: 10_000, ActiveBytes: 10_000}, 0, false},
		{"as much as is wanted", policy, schema.Meta{BodyBytes: 2000, ActiveBytes: 1000}, 0, true},
		{"a byte too few", policy, schema.Meta{BodyBytes: 1999, ActiveBytes: 1000}, 0, false},
		{"a small part of much", policy, schema.Meta{BodyBytes: 100_000, ActiveBytes: 60_000}, 0, false},
		{"half of much", policy, schema.Meta{BodyBytes: 100_000, ActiveBytes: 50_000}, 0, true},
		{"attachments", policy, schema.Meta{BodyBytes: 10, BlobBytes: 5000, ActiveBytes: 10}, 0, true},
		{"what is kept of deferred contents is no garbage", policy, schema.Meta{BlobBytes: 5000, KeptBytes: 5000}, 0, false},
		{"deferred contents of superseded revisions", policy, schema.Meta{BodyBytes: 100, DeferredBytes: 5000, ActiveBytes: 100}, 0, true},
		{"all of it has to be left", policy, schema.Meta{BodyBytes: 5000}, 5000, false},
		{"a part of it has to be left", policy, schema.Meta{BodyBytes: 5000}, 4000, true},
		{"more than is left now", policy, schema.Meta{BodyBytes: 2000, ActiveBytes: 1000}, 5000, false},
		{"what has to be left is no part of the whole", policy, schema.Meta{BodyBytes: 101_000, ActiveBytes: 50_000}, 1000, true},
		{"never", autocompact.Policy{MinBytes: -1, MinPercent: 1}, schema.Meta{BodyBytes: 1 << 40}, 0, false},
	} {
		if got := tt.policy.Wants(&tt.meta, tt.left); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestLeftovers(t *testing.T) {
	var l autocompact.Leftovers
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if got := l.At(start); got != 0 {
		t.Errorf("before the first compaction: %d", got)
	}
	l.Note(500, start)
	for _, tt := range []struct {
		later time.Duration
		want  int64
	}{{0, 500}, {24*time.Hour - time.Second, 500}, {24 * time.Hour, 0}, {48 * time.Hour, 0}} {
		if got := l.At(start.Add(tt.later)); got != tt.want {
			t.Errorf("after %v: %d, want %d", tt.later, got, tt.want)
		}
	}
	l.Note(0, start.Add(time.Hour))
	if got := l.At(start.Add(time.Hour)); got != 0 {
		t.Errorf("after a compaction that left nothing: %d", got)
	}
}
