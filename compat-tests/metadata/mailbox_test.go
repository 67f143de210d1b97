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
// of 111 kB, at most 25 MB. SETTLE_BENCH_MESSAGES (300) says how many there are;
// SETTLE_BENCH_MBIT how fast the line to the server is, in megabits a second (without
// it as fast as the loopback interface).
func BenchmarkMailbox(b *testing.B) {
	messages, mbit := number(b, "SETTLE_BENCH_MESSAGES", 300), number(b, "SETTLE_BENCH_MBIT", 0)
	for b.Loop() {
		server := settletest.Start(b, settletest.Options{})
		dir := b.TempDir()
		clients.Script{
			Dir: "../clients", File: "../metadata/mailbox.mjs", Limit: time.Hour,
			Parameters: parameters{URL: server.AdminURL(), Dir: dir, Seed: 1, Messages: messages, Mbit: mbit},
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

// number reads a setting that is a positive number.
func number(b *testing.B, name string, standard int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s must be a positive number", name)
	}
	return n
}
