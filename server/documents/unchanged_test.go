package documents_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// countingFS counts the files that are made.
type countingFS struct {
	vfs.FS
	made *atomic.Int64
}

// Create counts a file.
func (c countingFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	c.made.Add(1)
	return c.FS.Create(name, category)
}

// What a client sends again with an edit, as PouchDB does with each, is not written
// again: inline, where the digest stands before the content, and in parts.
func TestUnchangedContentIsNotWritten(t *testing.T) {
	var made atomic.Int64
	b := newBenchOn(t, countingFS{vfs.NewMem(), &made}, "data/blobs")
	content := strings.Repeat("0123456789abcdef", 10_000)
	sum := md5.Sum([]byte(content))
	digest := "md5-" + base64.StdEncoding.EncodeToString(sum[:])
	send := func(method, path, contentType, body string) string {
		t.Helper()
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		res := httptest.NewRecorder()
		b.handler.ServeHTTP(res, req)
		if res.Code != http.StatusCreated {
			t.Fatal(res.Code, res.Body)
		}
		_, rev, _ := strings.Cut(res.Body.String(), `"rev":"`)
		rev, _, _ = strings.Cut(rev, `"`)
		return rev
	}
	rev := send("PUT", "/db/d/a", "text/plain", content)
	if n := made.Load(); n != 1 {
		t.Fatalf("%d files were made at first", n)
	}
	rev = send("POST", "/db/_bulk_docs", "application/json", fmt.Sprintf(
		`{"docs":[{"v":2,"_attachments":{"a":{"content_type":"text/plain","revpos":1,"digest":%q,"data":%q}},"_id":"d","_rev":%q}]}`,
		digest, base64.StdEncoding.EncodeToString([]byte(content)), rev))
	send("PUT", "/db/d?rev="+rev, `multipart/related;boundary="x"`, "--x\r\nContent-Type: application/json\r\n\r\n"+fmt.Sprintf(
		`{"v":3,"_attachments":{"a":{"follows":true,"length":%d,"digest":%q}}}`, len(content), digest)+"\r\n--x\r\n\r\n"+content+"\r\n--x--")
	if n := made.Load(); n != 1 {
		t.Errorf("%d files were made", n)
	}
	req := httptest.NewRequest("GET", "/db/d/a", nil)
	res := httptest.NewRecorder()
	b.handler.ServeHTTP(res, req)
	if res.Body.String() != content {
		t.Errorf("%d bytes", res.Body.Len())
	}
}
