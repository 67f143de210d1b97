package auth_test

import (
	"testing"

	"settle/server/auth"
)

// TestFailuresTakeAsLong counts the work of a log-in: it must not tell whether a name
// is known, whatever kind of hash it has.
func TestFailuresTakeAsLong(t *testing.T) {
	policy := policies()
	policy.Iterations = 1000
	policy.KeepWeakHashes = true
	a, people := openWith(t, policy)
	people.set(t, "old", "right", "salt") // of 10 iterations
	simple, err := auth.ParseHash("-hashed-" + "ab34567890123456789012345678901234567890" + ",salt")
	if err != nil {
		t.Fatal(err)
	}
	current, err := auth.HashPassword("right", policy.Iterations)
	if err != nil {
		t.Fatal(err)
	}
	people.users["simple"] = auth.User{Name: "simple", Hash: simple}
	people.users["current"] = auth.User{Name: "current", Hash: current}
	people.users["none"] = auth.User{Name: "none"} // no password is right
	people.users["conflicted"] = auth.User{Name: "conflicted", Hash: current, Conflicted: true}
	for _, tt := range []struct {
		pair, want string
		iterations int
	}{
		{"nobody:wrong", incorrect, 1000},
		{"current:wrong", incorrect, 1000},
		{"old:wrong", incorrect, 1000},
		{"simple:wrong", incorrect, 1000},
		{"none:wrong", incorrect, 1000},
		{"conflicted:wrong", incorrect, 1000},
		{"admin:wrong", incorrect, 1000},
		{":", incorrect, 1000},
		{"nobody:", incorrect, 1000},
		{"current:right", "current by default as ", 1000},
		{"current:right", "current by default as ", 0}, // from memory
		{"current:wrong", incorrect, 1000},
	} {
		var got string
		n := auth.CountIterations(func() { got = byBasic(a, tt.pair) })
		if got != tt.want || n != tt.iterations {
			t.Errorf("%s: %s with %d iterations, want %s with %d", tt.pair, got, n, tt.want, tt.iterations)
		}
	}
}
