package server_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tus sends a request of the tus protocol as the administrator; header are names and
// values.
func (r *running) tus(method, url string, body io.Reader, header ...string) *http.Response {
	r.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = r.url + url
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pass")
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

const octets = "application/offset+octet-stream"

// An upload is made, added to, asked about, and becomes an attachment, in each of the
// ways to write a document.
func TestUploads(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	content := strings.Repeat("0123456789", 20_000)
	upload := func() string {
		res := r.tus("POST", "/alpha/_uploads", nil, "Upload-Length", strconv.Itoa(len(content)), "Upload-Metadata", "filename eA==")
		url := res.Header.Get("Location")
		if res.StatusCode != 201 || !strings.HasPrefix(url, r.url+"/alpha/_uploads/") || res.Header.Get("Upload-Expires") == "" {
			t.Fatal(res.Status, res.Header)
		}
		for at := 0; at < len(content); at += 70_001 {
			part := content[at:min(at+70_001, len(content))]
			res := r.tus("PATCH", url, strings.NewReader(part), "Content-Type", octets, "Upload-Offset", strconv.Itoa(at))
			if res.StatusCode != 204 || res.Header.Get("Upload-Offset") != strconv.Itoa(at+len(part)) {
				t.Fatal(res.Status, res.Header)
			}
			res = r.tus("HEAD", url, nil)
			if res.StatusCode != 200 || res.Header.Get("Upload-Offset") != strconv.Itoa(at+len(part)) ||
				res.Header.Get("Upload-Length") != strconv.Itoa(len(content)) || res.Header.Get("Upload-Metadata") != "filename eA==" {
				t.Fatal(res.Status, res.Header)
			}
		}
		return url[strings.LastIndex(url, "/")+1:]
	}
	attachments := func(id string) string {
		return `{"_id":"d` + id + `","_attachments":{"a":{"upload":"` + id + `","content_type":"text/x"}}}`
	}
	first, second, third := upload(), upload(), upload()
	r.ok("PUT", "/alpha/d"+first, attachments(first))
	json := func(path, body string) int {
		return r.tus("POST", path, strings.NewReader(body), "Content-Type", "application/json").StatusCode
	}
	if status := json("/alpha", attachments(second)); status != 201 {
		t.Error(status)
	}
	if status := json("/alpha/_bulk_docs", `{"docs":[`+attachments(third)+`]}`); status != 201 {
		t.Error(status)
	}
	for _, id := range []string{first, second, third} {
		if got := r.ok("GET", "/alpha/d"+id+"/a", ""); got != content {
			t.Errorf("%d bytes", len(got))
		}
		if res := r.tus("HEAD", "/alpha/_uploads/"+id, nil); res.StatusCode != 404 {
			t.Errorf("an upload that was used: %s", res.Status)
		}
	}
	for _, body := range []string{attachments(first), attachments("x"), `{"_attachments":{"a":{"upload":1}}}`} {
		if status := json("/alpha", body); status != 400 {
			t.Errorf("%s: %d", body, status)
		}
	}
	fourth := upload()
	promised := func(members string) int {
		return json("/alpha", `{"_id":"promised","_attachments":{"a":{"upload":"`+fourth+`",`+members+`}}}`)
	}
	for _, members := range []string{
		`"digest":"md5-XUFAKrxLKna5cZ2REBfFkg=="`, `"digest":"md5-x"`, `"length":199999`, `"length":0`, `"length":-1`, `"length":"200000"`,
	} {
		if status := promised(members); status != 400 {
			t.Errorf("%s: %d", members, status)
		}
	}
	if res := r.tus("GET", "/alpha/promised", nil); res.StatusCode != 404 {
		t.Errorf("written all the same: %s", res.Status)
	}
	sum := md5.Sum([]byte(content))
	if status := promised(`"length":200000,"digest":"md5-` + base64.StdEncoding.EncodeToString(sum[:]) + `"`); status != 201 { // it has stayed
		t.Errorf("its length and digest: %d", status)
	}
	fifth := upload()
	form := "--b\r\nContent-Disposition: form-data; name=\"_doc\"\r\n\r\n" + attachments(fifth) + "\r\n--b--\r\n"
	res := r.tus("POST", "/alpha/form", strings.NewReader(form), "Content-Type", "multipart/form-data; boundary=b", "Referer", r.url+"/")
	if got := r.ok("GET", "/alpha/form/a", ""); res.StatusCode != 201 || got != content {
		t.Errorf("a form: %s, %d bytes", res.Status, len(got))
	}
	fourth = upload()
	if status := json("/alpha/_bulk_docs", `{"docs":[`+attachments(fourth)+`,`+attachments(fourth)+`]}`); status != 400 {
		t.Errorf("used twice: %d", status)
	}
}

// An upload that has expired is there no more, though nothing has removed it yet.
func TestUploadHasExpired(t *testing.T) {
	var ahead atomic.Int64
	r := startWith(t, startOptions{now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	r.ok("PUT", "/alpha", "")
	url := r.tus("POST", "/alpha/_uploads", strings.NewReader("abc"), "Upload-Length", "4", "Content-Type", octets).Header.Get("Location")
	whole := r.tus("POST", "/alpha/_uploads", strings.NewReader("abc"), "Upload-Length", "3", "Content-Type", octets).Header.Get("Location")
	ahead.Store(int64(25 * time.Hour))
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		if res := r.tus(method, url, strings.NewReader("d"), "Content-Type", octets, "Upload-Offset", "3"); res.StatusCode != 404 {
			t.Errorf("%s: %s", method, res.Status)
		}
	}
	body := strings.NewReader(`{"_attachments":{"a":{"upload":"` + whole[strings.LastIndex(whole, "/")+1:] + `"}}}`)
	if res := r.tus("PUT", "/alpha/doc", body, "Content-Type", "application/json"); res.StatusCode != 400 {
		t.Errorf("a document takes it: %s", res.Status)
	}
}

func TestUploadRefusals(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	url := r.tus("POST", "/alpha/_uploads", nil, "Upload-Length", "10").Header.Get("Location")
	for _, tt := range []struct {
		name   string
		method string
		url    string
		body   string
		header []string
		want   int
	}{
		{"no length", "POST", "/alpha/_uploads", "", nil, 400},
		{"a bad length", "POST", "/alpha/_uploads", "", []string{"Upload-Length", "-1"}, 400},
		{"a signed length", "POST", "/alpha/_uploads", "", []string{"Upload-Length", "+1"}, 400},
		{"too long", "POST", "/alpha/_uploads", "", []string{"Upload-Length", "10000000000000"}, 413},
		{"another version", "POST", "/alpha/_uploads", "", []string{"Upload-Length", "1", "Tus-Resumable", "0.2.2"}, 412},
		{"no offset", "PATCH", url, "x", []string{"Content-Type", octets}, 400},
		{"another offset", "PATCH", url, "x", []string{"Content-Type", octets, "Upload-Offset", "1"}, 409},
		{"another type", "PATCH", url, "x", []string{"Content-Type", "text/plain", "Upload-Offset", "0"}, 415},
		{"more than its length", "PATCH", url, "12345678901", []string{"Content-Type", octets, "Upload-Offset", "0"}, 413},
		{"by override", "POST", url, "12345", []string{"X-HTTP-Method-Override", "PATCH", "Content-Type", octets, "Upload-Offset", "0"}, 204},
		{"no such upload", "HEAD", "/alpha/_uploads/00000000000000000000000000000000", "", nil, 404},
		{"no id", "HEAD", "/alpha/_uploads/x", "", nil, 404},
		{"with content", "POST", "/alpha/_uploads", "abc", []string{"Upload-Length", "3", "Content-Type", octets}, 201},
		{"what there is", "OPTIONS", "/alpha/_uploads", "", nil, 204},
		{"removed", "DELETE", url, "", nil, 204},
		{"removed again", "DELETE", url, "", nil, 404},
	} {
		if res := r.tus(tt.method, tt.url, strings.NewReader(tt.body), tt.header...); res.StatusCode != tt.want {
			t.Errorf("%s: %s", tt.name, res.Status)
		}
	}
}

// A body whose length is not told, and that is longer than the upload, is refused too.
func TestUploadOfTooMuchInChunks(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	chunked := func() io.Reader { return io.MultiReader(strings.NewReader("12345")) }
	res := r.tus("POST", "/alpha/_uploads", chunked(), "Upload-Length", "4", "Content-Type", octets)
	if res.StatusCode != 413 || res.Header.Get("Location") != "" {
		t.Errorf("created: %s %s", res.Status, res.Header)
	}
	for length, want := range map[string]int{"4": 413, "5": 204, "6": 204} {
		url := r.tus("POST", "/alpha/_uploads", nil, "Upload-Length", length).Header.Get("Location")
		if res := r.tus("PATCH", url, chunked(), "Content-Type", octets, "Upload-Offset", "0"); res.StatusCode != want {
			t.Errorf("of %s bytes: %s", length, res.Status)
		}
	}
}

// Who has lost the connection goes on from what is on disk, while the server still
// waits for the rest of the request before.
func TestUploadIsInterrupted(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	// The connection holds less of it on its way, so that the server has begun to take
	// what the client has sent.
	content := make([]byte, 24<<20)
	rand.NewChaCha8([32]byte{1}).Read(content)
	url := r.tus("POST", "/alpha/_uploads", nil, "Upload-Length", strconv.Itoa(len(content))).Header.Get("Location")
	body, feed := io.Pipe()
	ended := make(chan struct{})
	go func() {
		req, _ := http.NewRequest("PATCH", url, body)
		req.SetBasicAuth("admin", "pass")
		req.Header.Set("Tus-Resumable", "1.0.0")
		req.Header.Set("Content-Type", octets)
		req.Header.Set("Upload-Offset", "0")
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
		close(ended)
	}()
	if _, err := feed.Write(content[:len(content)-1]); err != nil {
		t.Fatal(err)
	}
	res := r.tus("HEAD", url, nil)
	offset, err := strconv.Atoi(res.Header.Get("Upload-Offset"))
	if err != nil || res.StatusCode != 200 || offset <= 0 || offset >= len(content) {
		t.Fatalf("%s, offset %d, %v", res.Status, offset, err)
	}
	if res := r.tus("PATCH", url, bytes.NewReader(content[offset:]), "Content-Type", octets, "Upload-Offset", strconv.Itoa(offset)); res.StatusCode != 204 {
		t.Errorf("%s", res.Status)
	}
	feed.Close()
	<-ended
	r.ok("PUT", "/alpha/doc", `{"_attachments":{"a":{"upload":"`+url[strings.LastIndex(url, "/")+1:]+`"}}}`)
	if got := r.ok("GET", "/alpha/doc/a", ""); got != string(content) {
		t.Errorf("%d bytes, or others", len(got))
	}
}

// An upload that the quota has no room for is refused before it comes, and one that a
// document takes has to have room still.
func TestUploadsWithinQuota(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	r.ok("PUT", "/alpha/_quota", `{"max_bytes":100}`)
	create := func(length, body string) *http.Response {
		return r.tus("POST", "/alpha/_uploads", strings.NewReader(body), "Upload-Length", length, "Content-Type", octets)
	}
	if res := create("101", ""); res.StatusCode != 507 || res.Header.Get("Location") != "" {
		t.Error(res.Status, res.Header)
	}
	res := create("60", strings.Repeat("x", 60))
	if res.StatusCode != 201 {
		t.Fatal(res.Status)
	}
	url := res.Header.Get("Location")
	doc := `{"_attachments":{"a":{"upload":"` + url[strings.LastIndex(url, "/")+1:] + `"}}}`
	if res := create("50", ""); res.StatusCode != 507 {
		t.Errorf("beside another: %s", res.Status)
	}
	if res := create("40", strings.Repeat("x", 41)); res.StatusCode != 413 || res.Header.Get("Location") != "" {
		t.Error(res.Status, res.Header)
	}
	res = create("40", "") // of the one before nothing is left
	if res.StatusCode != 201 {
		t.Errorf("beside one that was refused: %s", res.Status)
	}
	r.tus("DELETE", res.Header.Get("Location"), nil)
	r.ok("PUT", "/alpha/_quota", `{"max_bytes":50}`)
	if res := r.tus("PUT", "/alpha/doc", strings.NewReader(doc)); res.StatusCode != 507 {
		t.Errorf("taken: %s", res.Status)
	}
	r.ok("PUT", "/alpha/_quota", `{"max_bytes":100}`)
	r.ok("PUT", "/alpha/doc", doc)
	if res := create("50", ""); res.StatusCode != 507 {
		t.Errorf("beside the attachment: %s", res.Status)
	}
	if res := create("30", ""); res.StatusCode != 201 {
		t.Errorf("what there is room for: %s", res.Status)
	}
}

// A page of another origin, where one may ask, can read what the protocol tells.
func TestUploadsFromPages(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	exposed := func() string {
		res := r.tus("POST", "/alpha/_uploads", nil, "Upload-Length", "5", "Origin", "https://app.example")
		return strings.Join(res.Header.Values("Access-Control-Expose-Headers"), ", ")
	}
	if got := exposed(); got != "" {
		t.Errorf("exposed: %s", got)
	}
	for key, value := range map[string]string{
		"chttpd/enable_cors": "true", "cors/origins": "https://app.example",
		"cors/methods": "POST, PATCH", "cors/headers": "tus-resumable, upload-offset, content-type",
	} {
		r.ok("PUT", "/_node/_local/_config/"+key, strconv.Quote(value))
	}
	for _, name := range []string{"etag", "Location", "Upload-Offset", "Upload-Length"} {
		if got := strings.Split(exposed(), ", "); !slices.Contains(got, name) {
			t.Errorf("%s is not among what is exposed: %s", name, got)
		}
	}
	res := r.tus("OPTIONS", "/alpha/_uploads/x", nil, "Origin", "https://app.example",
		"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "content-type,tus-resumable,upload-offset")
	if got := res.Header.Get("Access-Control-Allow-Methods"); !strings.Contains(got, "PATCH") {
		t.Errorf("%s, allowed: %s", res.Status, got)
	}
}

// Every answer on the path tells the version, also one of what comes before the family.
func TestUploadsTellTheVersion(t *testing.T) {
	g := newGate(t)
	g.prepare()
	for _, tt := range []struct {
		who, password, method, path string
		status                      int
	}{
		{"admin", "pass", "POST", "/nodb/_uploads", 404},
		{"admin", "pass", "POST", "/_nodb/_uploads", 404},
		{"admin", "pass", "POST", "/_metadata/nodb/_uploads", 404},
		{"admin", "pass", "GET", "/db/_uploads", 405},
		{"admin", "pass", "GET", "/db/_uploads/00", 405},
		{"admin", "pass", "BREW", "/db/_uploads/00", 405},
		{"admin", "pass", "PATCH", "/db/_uploads/00?%zz", 400},
		{"admin", "wrong", "POST", "/db/_uploads", 401},
		{"stranger", "pass", "POST", "/db/_uploads", 403},
		{"stranger", "pass", "PATCH", "/db/_uploads/00", 403},
	} {
		req := httptest.NewRequest(tt.method, tt.path, nil)
		req.SetBasicAuth(tt.who, tt.password)
		res := httptest.NewRecorder()
		g.handler.ServeHTTP(res, req)
		if got := res.Header().Values("Tus-Resumable"); res.Code != tt.status || !slices.Equal(got, []string{"1.0.0"}) {
			t.Errorf("%s %s by %s: %d, version %q", tt.method, tt.path, tt.who, res.Code, got)
		}
	}
}
