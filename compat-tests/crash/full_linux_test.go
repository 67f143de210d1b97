package crash_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// TestFullDisk fills a small file system with attachments and documents. The
// server refuses writes before the disk is full, goes on answering and deleting,
// and takes writes again once there is space.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("only root can mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := settletest.Start(t, settletest.Options{Dir: filepath.Join(dir, "data")})
	c := client{s.AdminURL()}
	c.must(t, http.StatusCreated, "PUT", "/kept", "")
	c.must(t, http.StatusCreated, "PUT", "/kept/doc", `{"kept":true}`)
	c.must(t, http.StatusCreated, "PUT", "/large", "")
	c.must(t, http.StatusCreated, "PUT", "/small", "")
	content := make([]byte, 4<<20)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	fillUntilRefused(t, c, func(n int) (string, []byte) { // equal contents would be stored once
		return fmt.Sprintf("/large/%d/a", n), append(fmt.Appendf(nil, "%d ", n), content...)
	})
	fillUntilRefused(t, c, func(n int) (string, []byte) {
		return fmt.Sprintf("/small/%d", n), fmt.Appendf(nil, `{"text":"%s %x"}`, strings.Repeat("x", 100), content[:50_000])
	})
	c.must(t, http.StatusOK, "GET", "/kept/doc", "")
	if got := c.raw(t, "/large/0/a"); !bytes.Equal(got, append([]byte("0 "), content...)) {
		t.Error("an attachment reads otherwise on a full disk")
	}
	c.must(t, http.StatusOK, "DELETE", "/large", "")
	awaitSpace(t, c)
	s.Stop()
	check(t, s)
}

// fillUntilRefused writes until the server answers 507, which it must.
func fillUntilRefused(t *testing.T, c client, next func(n int) (path string, body []byte)) {
	t.Helper()
	for n := range 10_000 {
		path, body := next(n)
		a, err := c.try("PUT", path, body)
		if err != nil {
			t.Fatalf("PUT %s: %v", path, err)
		}
		switch a.status {
		case http.StatusCreated:
		case http.StatusInsufficientStorage:
			if a.body["error"] != "insufficient_storage" {
				t.Errorf("507 with %v", a.body)
			}
			t.Logf("refused after %d writes", n)
			return
		default:
			t.Fatalf("PUT %s: %d %v", path, a.status, a.body)
		}
	}
	t.Fatal("the disk does not fill up")
}

// awaitSpace waits until a write is taken again.
func awaitSpace(t *testing.T, c client) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for n := 0; time.Now().Before(deadline); n++ {
		a, err := c.try("PUT", fmt.Sprintf("/kept/after-%d", n), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusCreated {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Error("writes are refused though there is space again")
}
