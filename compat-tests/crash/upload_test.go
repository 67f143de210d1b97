package crash_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// upload is one of the tus protocol, as its client sees it.
type upload struct {
	url     string
	content []byte
}

// send sends a request, and returns the offset that it is answered with.
func (u *upload) send(method string, body io.Reader, header ...string) (status int, offset int64, err error) {
	req, err := http.NewRequest(method, u.url, body)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	if location := res.Header.Get("Location"); location != "" {
		u.url = strings.Replace(location, "://", "://"+settletest.AdminName+":"+settletest.AdminPassword+"@", 1)
	}
	offset, err = strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
	return res.StatusCode, offset, err
}

// patch sends what comes behind an offset, up to an end.
func (u *upload) patch(body io.Reader, offset int64) (status int, now int64, err error) {
	return u.send("PATCH", body, "Upload-Offset", strconv.FormatInt(offset, 10))
}

// offset asks where the upload ends.
func (u *upload) offset(t *testing.T) int64 {
	t.Helper()
	status, offset, err := u.send("HEAD", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("HEAD %s: %d, %v", u.url, status, err)
	}
	return offset
}

// dripping gives content in pieces, and tells after each how much was taken.
type dripping struct {
	left  []byte
	taken chan<- int
}

// Read reads a piece.
func (d *dripping) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 32<<10)], d.left)
	d.left = d.left[n:]
	select {
	case d.taken <- n:
	default:
	}
	time.Sleep(100 * time.Microsecond)
	return n, nil
}

// saved is how many bytes a client sends at least until the server has saved some of
// them in the middle of a request: it saves every 16 MiB, and what the connection holds
// on its way is less than the rest.
const saved = 40 << 20

// TestKillWhileUploading kills the server while an upload comes, several times. Each
// time what was acknowledged is there, and the upload goes on from the offset that the
// server tells, and becomes the attachment that was sent.
func TestKillWhileUploading(t *testing.T) {
	s := settletest.Start(t, settletest.Options{})
	c := client{s.AdminURL()}
	c.must(t, http.StatusCreated, "PUT", "/load", "")
	u := &upload{url: c.url + "/load/_uploads", content: make([]byte, 72<<20+12345)}
	rand.NewChaCha8([32]byte{1}).Read(u.content)
	if status, _, err := u.send("POST", nil, "Upload-Length", strconv.Itoa(len(u.content))); err != nil || status != http.StatusCreated {
		t.Fatalf("%d, %v", status, err)
	}
	acknowledged := int64(0)
	for _, enough := range []int{1 << 20, saved, 2 << 20} {
		status, offset, err := u.patch(bytes.NewReader(u.content[acknowledged:acknowledged+int64(rand.IntN(1<<20))]), acknowledged)
		if err != nil || status != http.StatusNoContent {
			t.Fatalf("%d, %v", status, err)
		}
		acknowledged = offset
		sent := killWhilePatching(t, s, u, acknowledged, int64(enough))
		check(t, s)
		s.Restart()
		offset = u.offset(t)
		if offset < acknowledged || offset > acknowledged+sent {
			t.Fatalf("%d bytes are there, of %d that were acknowledged and %d that were sent behind", offset, acknowledged, sent)
		}
		if enough == saved && offset == acknowledged {
			t.Errorf("of %d bytes that were sent none was kept", sent)
		}
		t.Logf("%d bytes were acknowledged, %d sent behind, %d are there", acknowledged, sent, offset)
		acknowledged = offset
	}
	if status, offset, err := u.patch(bytes.NewReader(u.content[acknowledged:]), acknowledged); err != nil || status != http.StatusNoContent || offset != int64(len(u.content)) {
		t.Fatalf("the rest: %d, offset %d, %v", status, offset, err)
	}
	s.Kill()
	s.Restart()
	id := u.url[strings.LastIndex(u.url, "/")+1:]
	doc := fmt.Sprintf(`{"_attachments":{"a":{"upload":"%s","content_type":"application/octet-stream"}}}`, id)
	c.must(t, http.StatusCreated, "PUT", "/load/doc", doc)
	s.Kill()
	check(t, s)
	s.Restart()
	if got := c.raw(t, "/load/doc/a"); !bytes.Equal(got, u.content) {
		t.Errorf("the attachment has %d bytes, and is not what was sent", len(got))
	}
	c.must(t, http.StatusBadRequest, "PUT", "/load/again", doc)
}

// killWhilePatching kills the server while it takes what comes behind an offset, once
// there is enough of it, and returns how much the client has sent of that at most.
func killWhilePatching(t *testing.T, s *settletest.Server, u *upload, offset, enough int64) (sent int64) {
	t.Helper()
	taken := make(chan int, 1<<16)
	ended := make(chan error, 1)
	go func() {
		_, _, err := u.patch(io.MultiReader(&dripping{u.content[offset:], taken}), offset)
		ended <- err
	}()
	for until := enough + int64(rand.IntN(2<<20)); sent < until; {
		select {
		case n := <-taken:
			sent += int64(n)
		case err := <-ended:
			t.Fatalf("the request has ended: %v", err)
		}
	}
	s.Kill()
	if err := <-ended; err == nil {
		t.Fatal("the request was answered")
	}
	for len(taken) > 0 {
		sent += int64(<-taken)
	}
	return sent
}
