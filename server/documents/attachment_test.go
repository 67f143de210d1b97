package documents_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const octets = "Content-Type: application/octet-stream"

const missingRev = `{"error":"not_found","reason":"missing_rev"}`

// write makes a request and returns the revision in its answer.
func (b *bench) write(s step) string {
	b.t.Helper()
	res := b.send(s)
	if res.Code != 201 && res.Code != 200 {
		b.t.Fatalf("%s: status %d: %s", s.do, res.Code, res.Body)
	}
	_, rest, _ := strings.Cut(res.Body.String(), `"rev":"`)
	rev, _, _ := strings.Cut(rest, `"`)
	return rev
}

func md5Of(content string) string {
	sum := md5.Sum([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func gzipped(content string) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write([]byte(content))
	w.Close()
	return buf.String()
}

func TestStandaloneAttachment(t *testing.T) {
	b := newBench(t)
	first := b.write(step{do: "PUT /db/d/dir/a.bin", header: octets, body: "hello"})
	b.play(
		step{do: "GET /db/d/dir%2Fa.bin", status: 200, want: "hello", head: octets + "\nAccept-Ranges: bytes\nContent-Length: 5\nContent-Security-Policy: sandbox\nContent-MD5: " +
			md5Of("hello") + "\nETag: \"" + md5Of("hello") + `"`},
		step{do: "HEAD /db/d/dir/a.bin", status: 200, head: "Content-Length: 5"},
		step{do: "GET /db/d/dir/a.bin", header: `If-None-Match: "` + md5Of("hello") + `"`, status: 304},
		step{do: "GET /db/d/dir/a.bin", header: "Range: bytes=1-3", status: 206, want: "ell", head: "Content-Range: bytes 1-3/5\nContent-Length: 3\nContent-Security-Policy: sandbox"},
		step{do: "GET /db/d/dir/a.bin", header: "Range: bytes=9-", status: 416},
		step{do: "GET /db/d/dir/a.bin", header: "Range: bytes=0-0,-1", status: 206, head: "Content-Security-Policy: sandbox",
			has: []string{"Content-Range: bytes 0-0/5\r\n\r\nh\r\n--", "Content-Range: bytes 4-4/5\r\n\r\no\r\n--"}},
		step{do: "GET /db/d/dir", status: 404, want: `{"error":"not_found","reason":"Document is missing attachment"}`},
	)
	second := b.write(step{do: "PUT /db/d/b?rev=" + first, header: octets + "\nContent-Encoding: gzip", body: gzipped("packed")})
	b.play(
		step{do: "GET /db/d", status: 200, has: []string{`"_attachments":{"b":{`, `"revpos":2`, `"digest":"md5-` + md5Of("packed") + `"`, `"dir/a.bin":{`}},
		step{do: "GET /db/d/b", status: 200, want: "packed"},
	)
	for _, s := range []step{
		{do: "PUT /db/d/c", header: octets, body: "x", status: 409, want: conflict},
		{do: "PUT /db/d/c?rev=" + first, header: octets, body: "x", status: 409, want: conflict},
		{do: "PUT /db/d/c?rev=1-none", header: octets, body: "x", status: 409, want: missingRev},
		{do: "PUT /db/d/_c?rev=" + second, header: octets, body: "x", status: 400},
		{do: "PUT /db/d/%FF?rev=" + second, header: octets, body: "x", status: 400},
		{do: "PUT /db/d/c?rev=" + second, header: octets + "\nContent-Encoding: br", body: "x", status: 415},
		{do: "PUT /db/d/c?rev=" + second, header: octets + "\nContent-Encoding: gzip", body: "no gzip", status: 400},
		{do: "PUT /db/d/c?rev=" + second, header: octets + "\nContent-Encoding: gzip", body: gzipped("cut off")[:20], status: 400},
		{do: "PUT /db/_bad/c", header: octets, body: "x", status: 400},
		{do: "PUT /db/_bad/c?rev=1-a", header: octets, body: "x", status: 409, want: missingRev},
		{do: "DELETE /db/_bad/c", status: 400},
		{do: "DELETE /db/_bad/c?rev=1-a", status: 409, want: missingRev},
		{do: "PUT /db/%FF/c?rev=1-a", header: octets, body: "x", status: 409, want: missingRev},
		{do: "PUT /db/_local%2Fl/c", header: octets, body: "x", status: 400},
		{do: "PUT /db/_design/none/_c", header: octets, body: "x", status: 404, want: `{"error":"not_found","reason":"missing"}`},
		{do: "PUT /db/_design/none/_c?rev=1-a", header: octets, body: "x", status: 404, want: `{"error":"not_found","reason":"missing"}`},
		{do: "DELETE /db/_design/none/_c", status: 404, want: `{"error":"not_found","reason":"missing"}`},
		{do: "DELETE /db/d/none?rev=" + second, status: 404},
		{do: "DELETE /db/d/none", status: 404},
		{do: "DELETE /db/none/a", status: 404},
		{do: "DELETE /db/d/b", status: 409, want: conflict},
	} {
		b.unchanged(func() { b.play(s) })
	}
	third := b.write(step{do: "DELETE /db/d/dir/a.bin?rev=" + second})
	b.play(
		step{do: "GET /db/d/dir/a.bin", status: 404},
		step{do: "GET /db/d/dir/a.bin?rev=" + first, status: 200, want: "hello"},
		step{do: "DELETE /db/d?rev=" + third, status: 200},
		step{do: "GET /db/d/b", status: 404, want: `{"error":"not_found","reason":"deleted"}`},
		step{do: "GET /db/d/b?deleted=true", status: 404, want: `{"error":"not_found","reason":"Document is missing attachment"}`},
		step{do: "GET /db/d/b?rev=" + third, status: 200, want: "packed"},
	)
}

func TestAttachmentTooLarge(t *testing.T) {
	b := newBench(t)
	b.limits.MaxAttachmentSize = 4
	inline := `{"_attachments":{"x":{"data":"aGVsbG8="}}}`
	for _, s := range []step{
		{do: "PUT /db/d/x", header: octets, body: "hello", status: 413, want: `{"error":"attachment_too_large","reason":"x"}`},
		{do: "PUT /db/d/x", header: octets + "\nContent-Encoding: gzip", body: gzipped("hello"), status: 413},
		{do: "PUT /db/d", body: inline, status: 413, want: `{"error":"attachment_too_large","reason":"x"}`},
		{do: "POST /db/_bulk_docs", body: `{"docs":[{},` + inline + `]}`, status: 413},
	} {
		b.unchanged(func() { b.play(s) })
	}
	// What is packed counts unpacked.
	b.limits.MaxAttachmentSize = 100
	packed := `{"_attachments":{"x":{"data":"` + base64.StdEncoding.EncodeToString([]byte(gzipped(strings.Repeat("x", 1000)))) + `","encoding":"gzip"}}}`
	for _, s := range []step{
		{do: "PUT /db/d", body: packed, status: 413, want: `{"error":"attachment_too_large","reason":"x"}`},
		{do: "POST /db/_bulk_docs", body: `{"docs":[{},` + packed + `]}`, status: 413},
	} {
		b.unchanged(func() { b.play(s) })
	}
}

// relatedBody is a multipart/related body with the boundary B.
func relatedBody(document string, contents ...string) string {
	body := "--B\r\nContent-Type: application/json\r\n\r\n" + document + "\r\n--B"
	for _, c := range contents {
		body += "\r\n\r\n" + c + "\r\n--B"
	}
	return body + "--"
}

const related = `Content-Type: multipart/related; boundary="B"`

func follows(members string) string {
	return `{"_attachments":{"a":{"follows":true,` + members + `}}}`
}

func TestPutRelated(t *testing.T) {
	packed := gzipped("hello")
	const mismatch = `{"error":"content_md5_mismatch","reason":"Possible message corruption."}`
	gzipMembers := fmt.Sprintf(`"encoding":"gzip","encoded_length":%d,"length":5,"digest":"md5-%s"`, len(packed), md5Of(packed))
	b := newBench(t)
	b.play(
		step{do: "PUT /db/d", header: related, body: relatedBody(follows(`"length":5,"digest":"md5-`+md5Of("hello")+`"`), "hello"), status: 201},
		step{do: "GET /db/d/a", status: 200, want: "hello"},
		step{do: "PUT /db/z", header: related, body: relatedBody(follows(gzipMembers), packed), status: 201},
		step{do: "GET /db/z?attachments=true", status: 200, has: []string{`"digest":"md5-` + md5Of("hello") + `","data":"aGVsbG8="`}},
		step{do: "PUT /db/nolength", header: related, body: relatedBody(follows(`"revpos":1`), "hello", "surplus"), status: 201},
		step{do: "GET /db/nolength/a", status: 200, want: "hello"},
	)
	for _, s := range []step{
		{body: relatedBody(follows(`"length":4`), "hello"), status: 400},
		{body: relatedBody(follows(`"length":6`), "hello"), status: 400},
		{body: relatedBody(follows(`"length":5`)), status: 400},
		{body: relatedBody(follows(`"length":5`), "hello")[:100], status: 400},
		{body: relatedBody(follows(`"digest":"md5-`+md5Of("other")+`"`), "hello"), status: 400,
			want: mismatch},
		{body: relatedBody(follows(`"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="`), "hello"), status: 400, want: mismatch},
		{body: relatedBody(follows(`"encoding":"gzip","digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="`), packed), status: 400, want: mismatch},
		{body: relatedBody(follows(`"encoding":"gzip","length":5,"digest":"md5-`+md5Of("hello")+`"`), packed), status: 400, want: mismatch},
		{body: relatedBody(follows(gzipMembers), packed[:len(packed)-3]), status: 400},
		{body: relatedBody(follows(`"encoding":"gzip","length":5`), "no gzip"), status: 400},
		{body: relatedBody(follows(`"encoding":"gzip","length":4`), packed), status: 400},
		{body: relatedBody(`{"a":`), status: 400},
		{body: relatedBody(`[]`), status: 400},
		{body: "", status: 400},
		{body: strings.Replace(relatedBody("{}"), "/json", "/xml", 1), status: 415},
		{header: "Content-Type: multipart/related; bound=B", body: relatedBody("{}"), status: 400},
	} {
		s.do = "PUT /db/bad"
		if s.header == "" {
			s.header = related
		}
		b.unchanged(func() { b.play(s) })
	}
	b.unchanged(func() {
		b.play(step{do: "PUT /db/bad", body: follows(`"length":5`), status: 400})
	})
}

// Inline content that came as gzip is stored as what was packed, wherever the text says so.
func TestInlineGzip(t *testing.T) {
	b := newBench(t)
	content := strings.Repeat("hello", 10_000)
	for _, content := range []string{"hello", content, string(noiseOf(200_000))} {
		packed := gzipped(content)
		data, digest := base64.StdEncoding.EncodeToString([]byte(packed)), md5Of(packed)
		for i, members := range []string{
			`"encoding":"gzip","digest":"md5-%[4]s","data":"%[3]s"`,
			`"data":"%[3]s","digest":"md5-%[4]s","encoding":"gzip","encoded_length":5`,
			`"data":"%[3]s","encoding":"gzip"`,
		} {
			doc := fmt.Sprintf(`{"_id":"%d-%d","_attachments":{"x":{"content_type":"text/plain",`+members+`}}}`, len(content), i, data, digest)
			if i%2 == 0 {
				b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + doc + `]}`, status: 201})
			} else {
				b.play(step{do: "POST /db", body: doc, status: 201})
			}
			path := fmt.Sprintf("/db/%d-%d", len(content), i)
			b.play(
				step{do: "GET " + path, status: 200, has: []string{`"digest":"md5-` + md5Of(content) + `","length":` + fmt.Sprint(len(content))}},
				step{do: "GET " + path + "/x", status: 200, want: content},
			)
		}
		whole := len(packed)
		for _, bad := range []struct{ content, digest string }{
			{packed, md5Of(content)}, {packed[:whole-3], md5Of(packed[:whole-3])}, {packed + "x", md5Of(packed + "x")}, {content, md5Of(content)},
		} {
			inline := `{"_attachments":{"x":{"data":"` + base64.StdEncoding.EncodeToString([]byte(bad.content)) + `","digest":"md5-` + bad.digest + `","encoding":"gzip"}}}`
			reason := "gzip data is damaged"
			if bad.content == packed {
				reason = "content_md5_mismatch"
			}
			for _, s := range []step{{do: "PUT /db/bad", body: inline}, {do: "POST /db/_bulk_docs", body: `{"docs":[{},` + inline + `]}`}} {
				s.status, s.has = 400, []string{reason}
				b.unchanged(func() { b.play(s) })
			}
		}
	}
}

// noiseOf returns bytes that do not get smaller as gzip.
func noiseOf(n int) []byte {
	out := make([]byte, n)
	rand.NewChaCha8([32]byte{2}).Read(out)
	return out
}

func TestGetRelated(t *testing.T) {
	b := newBench(t)
	first := b.write(step{do: "PUT /db/d", body: `{"_attachments":{"a":{"data":"aGVsbG8="},"b":{"data":"d29ybGQ="}}}`})
	b.write(step{do: "PUT /db/d?rev=" + first, body: `{"_attachments":{"a":{"stub":true},"b":{"data":"bmV3"}}}`})

	res := b.send(step{do: "GET /db/d?attachments=true", header: "Accept: multipart/related"})
	if got := res.Body.String(); !strings.Contains(got, "\r\n\r\nhello\r\n--") || !strings.Contains(got, `"follows":true`) {
		t.Errorf("multipart: %s", got)
	}
	if got := res.Header().Get("Content-Length"); got != fmt.Sprint(res.Body.Len()) {
		t.Errorf("Content-Length %s of %d bytes", got, res.Body.Len())
	}
	since := `atts_since=["` + first + `"]`
	b.play(
		step{do: "GET /db/d?" + since, status: 200, has: []string{`"length":5,"stub":true`, `"data":"bmV3"`}},
		step{do: "GET /db/d?" + since + "&open_revs=all", status: 200, has: []string{`"length":5,"stub":true`, `"data":"bmV3"`}},
		step{do: "GET /db/d?" + since, header: "Accept: multipart/related", status: 200, has: []string{`"stub":true`, `"follows":true`, "\r\n\r\nnew\r\n--"}},
		step{do: "GET /db/d?atts_since=[]", status: 200, has: []string{`"data":"aGVsbG8="`}},
		step{do: "GET /db/d?atts_since=[5]", status: 400},
		step{do: "GET /db/d?open_revs=all", header: "Accept: multipart/mixed", status: 200, has: []string{"\r\n\r\nhello\r\n--", "\r\n\r\nnew\r\n--"}},
		step{do: "HEAD /db/d?attachments=true", status: 200},
	)
}

func TestStubsRevPos(t *testing.T) {
	b := newBench(t)
	rev := b.write(step{do: "PUT /db/d", body: `{"_attachments":{"a":{"data":"eA=="}}}`})
	for _, pos := range []string{`"1"`, `null`, `0`, `-1`, `1.0`, `2`} {
		s := step{do: "PUT /db/d?rev=" + rev, body: `{"_attachments":{"a":{"stub":true,"revpos":` + pos + `}}}`, status: 412,
			want: `{"error":"missing_stub","reason":"Invalid attachment stub in d for a"}`}
		b.unchanged(func() { b.play(s) })
	}
	b.play(step{do: "PUT /db/d?rev=" + rev, body: `{"_attachments":{"a":{"stub":true,"revpos":1,"digest":"md5-AAAA"}}}`, status: 201})
}
