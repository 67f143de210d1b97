package metadata_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"settle/compat-tests/clients"
	"settle/compat-tests/settletest"
)

// BenchmarkMailbox lets a fresh PouchDB pull a mailbox until it can list it, as a
// metadata replica and as an ordinary one, and opens messages from the former. The
// sizes of the messages are spread like those of real mail: a median of 15 kB, a mean
// of 111 kB, at most 25 MB. SETTLE_BENCH_MESSAGES (300) says how many there are.
func BenchmarkMailbox(b *testing.B) {
	messages := 300
	if text := os.Getenv("SETTLE_BENCH_MESSAGES"); text != "" {
		var err error
		if messages, err = strconv.Atoi(text); err != nil || messages < 1 {
			b.Fatal("SETTLE_BENCH_MESSAGES must be a positive number")
		}
	}
	for b.Loop() {
		server := settletest.Start(b, settletest.Options{})
		dir := b.TempDir()
		clients.Script{
			Dir: "../clients", File: "../metadata/mailbox.mjs", Limit: time.Hour,
			Parameters: parameters{URL: server.AdminURL(), Dir: dir, Seed: 1, Messages: messages},
		}.Run(b)
		text, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
		if err != nil {
			b.Fatal(err)
		}
		var metrics map[string]float64
		if err := json.Unmarshal(text, &metrics); err != nil {
			b.Fatal(err)
		}
		for unit, value := range metrics {
			b.ReportMetric(value, unit)
		}
	}
	b.ReportMetric(0, "ns/op")
}
