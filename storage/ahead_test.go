package storage_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"settle/storage/couch"
)

// A sequence that the database has printed and not reached is answered from the start,
// and told of once, however many clients have it.
func TestSequencesAheadAreToldOfOnce(t *testing.T) {
	var log bytes.Buffer
	b := newBench(t)
	b.close()
	b.logger = slog.New(slog.NewTextHandler(&log, nil))
	b.open()
	db := b.create("alpha")
	mustPut(t, db, "d", "", `{}`)
	warnings := func() int { return strings.Count(log.String(), "put back to an earlier state") }
	for _, since := range []string{db.FormatSeq(1), "0"} {
		if _, err := db.ParseSeq(since, 1); err != nil || warnings() != 0 {
			t.Errorf("%s: %v, %d warnings", since, err, warnings())
		}
	}
	for _, ahead := range []couch.Seq{2, 2, 900} {
		if got, err := db.ParseSeq(db.FormatSeq(ahead), 1); err != nil || got != 0 {
			t.Errorf("%d is read as %d, %v", ahead, got, err)
		}
	}
	if n := warnings(); n != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("%d warnings: %s", n, &log)
	}
}
