package crypt

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
)

// keySize is the length of every symmetric key of the package, in bytes.
const keySize = 32

const redacted = "[redacted]"

// secret is a symmetric key. However it is printed, logged or marshalled, it
// shows as [redacted].
type secret [keySize]byte

func newSecret() secret {
	var s secret
	rand.Read(s[:])
	return s
}

// Format implements fmt.Formatter for every verb.
func (secret) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// LogValue implements slog.LogValuer.
func (secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler.
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
