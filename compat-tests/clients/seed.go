package clients

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Seed returns SETTLE_SEED, or else a new seed, which the log names: with it a script's
// random choices can be repeated.
func Seed(t testing.TB) uint32 {
	t.Helper()
	text := os.Getenv("SETTLE_SEED")
	if text == "" {
		text = strconv.FormatUint(uint64(rand.Uint32()), 10)
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("SETTLE_SEED: %v", err)
	}
	t.Logf("SETTLE_SEED=%d", n)
	return uint32(n)
}
