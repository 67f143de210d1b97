package mail_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"settle/server/mail"
	"settle/storage/crypt"
)

// A held message whose file was changed is read up to the change, and with an error.
func TestDamagedSpool(t *testing.T) {
	message := strings.Repeat("planted line\r\n", 40_000)
	file, open, err := mail.HoldLong(strings.NewReader(message), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sound := make([]byte, crypt.ChunkOverhead*9+len(message))
	n, err := file.ReadAt(sound, 0)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	sound = sound[:n]
	if bytes.Contains(sound, []byte("planted")) {
		t.Error("the file shows the message")
	}
	const size = crypt.ChunkSize + crypt.ChunkOverhead
	changes := map[string]func([]byte) []byte{
		"cut in a chunk":     func(b []byte) []byte { return b[:len(b)-1] },
		"cut between chunks": func(b []byte) []byte { return b[:2*size] },
		"swapped chunks": func(b []byte) []byte {
			first := bytes.Clone(b[:size])
			copy(b, b[size:2*size])
			copy(b[size:], first)
			return b
		},
		"repeated chunk": func(b []byte) []byte { copy(b[size:2*size], b); return b },
	}
	rng := rand.New(rand.NewPCG(1, 7))
	for range 60 {
		bit := rng.IntN(8 * len(sound))
		changes[fmt.Sprint("bit ", bit, " flipped")] = func(b []byte) []byte {
			b[bit/8] ^= 1 << (bit % 8)
			return b
		}
	}
	for name, change := range changes {
		write(t, file, change(bytes.Clone(sound)))
		got, err := io.ReadAll(open())
		if err == nil || !strings.HasPrefix(message, string(got)) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(message), err)
		}
	}
	write(t, file, sound)
	if got, err := io.ReadAll(open()); err != nil || string(got) != message {
		t.Errorf("unchanged: %d bytes of %d, %v", len(got), len(message), err)
	}
}

// write makes content all that a file has.
func write(t *testing.T, file *os.File, content []byte) {
	t.Helper()
	if err := file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
}
