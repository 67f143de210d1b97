package metadata_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/compat-tests/clients"
	"settle/compat-tests/settletest"
)

// TestUnchangedAttachments has a PouchDB edit a document again and again, and send its
// attachments each time. The server writes no blob for that, and not even the bytes.
func TestUnchangedAttachments(t *testing.T) {
	open(t)
	const edits, bytes = 8, 4 << 20
	server := settletest.Start(t, settletest.Options{})
	var before map[string]string
	var written int64
	clients.Script{
		Dir: "../clients", File: "../metadata/unchanged.mjs", Limit: enough,
		Parameters: parameters{URL: server.AdminURL(), Dir: t.TempDir(), Seed: clients.Seed(t), Operations: edits, Bytes: bytes},
		Checkpoints: map[string]func(){
			"stored": func() {
				server.Stop()
				server.Restart() // what it knows is on disk
				before, written = blobFiles(t, server.Dir()), writtenBy(t, server.Pid())
			},
			"edited": func() {
				if diff := cmp.Diff(before, blobFiles(t, server.Dir())); len(before) == 0 || diff != "" {
					t.Errorf("of %d files of blobs others have become: %s", len(before), diff)
				}
				written = writtenBy(t, server.Pid()) - written
			},
		},
	}.Run(t)
	t.Logf("%d bytes were written in %d edits with %d bytes attached", written, edits, bytes)
	if written > bytes/2 {
		t.Errorf("%d bytes were written", written)
	}
	if out := server.Check(); !strings.Contains(out, " 2 blobs,") {
		t.Errorf("settle check: %s", out)
	}
}

// blobFiles returns the files of blobs, each with its size and when it was written.
func blobFiles(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			found[path] = fmt.Sprint(info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// writtenBy returns how many bytes a process has written to files and connections; 0
// where the system does not tell.
func writtenBy(t testing.TB, pid int) (n int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Logf("what the server has written is not counted: %v", err)
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n
		}
	}
	t.Fatalf("no wchar in %s", text)
	return 0
}
