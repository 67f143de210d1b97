package auth

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// TOTP is a user's second factor, a time-based one-time password (RFC 6238)
// with steps of 30 seconds.
type TOTP struct {
	Key       []byte
	Algorithm string // as in HashFields; empty: "sha"
	Digits    int    // 6 to 8; 0: 6
}

// String hides the key from logs and errors.
func (TOTP) String() string { return "[redacted]" }

// GoString hides the key too.
func (TOTP) GoString() string { return "[redacted]" }

const totpStep = 30 * time.Second

// verify reports whether a code is that of now, or of a step before or after.
func (t *TOTP) verify(code string, now time.Time) bool {
	ok := 0
	for _, at := range []time.Time{now.Add(-totpStep), now, now.Add(totpStep)} {
		want := t.code(uint64(at.Unix()) / uint64(totpStep/time.Second))
		ok |= subtle.ConstantTimeCompare([]byte(code), []byte(want))
	}
	return ok == 1 && code != ""
}

// code returns the code of a step, "" where the settings make no sense.
func (t *TOTP) code(step uint64) string {
	algorithm, digits := t.Algorithm, t.Digits
	if algorithm == "" {
		algorithm = "sha"
	}
	if digits == 0 {
		digits = 6
	}
	digest := digests[algorithm]
	if digest == nil || digits < 6 || digits > 8 || len(t.Key) == 0 {
		return ""
	}
	mac := hmac.New(digest, t.Key)
	mac.Write(binary.BigEndian.AppendUint64(nil, step))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fff_ffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, number%modulus)
}
