package documents_test

import (
	"strings"
	"testing"

	"settle/storage/couch"
)

// A hash of 32 characters that are no hexadecimal digits is no revision, wherever
// it stands.
func TestInvalidRevEverywhere(t *testing.T) {
	b := newBench(t)
	rev := "1-" + strings.Repeat("z", 32)
	b.play(step{do: "PUT /db/d", body: `{"v":1,"_attachments":{"a":{"data":"eA=="}}}`, status: 201})
	for _, s := range []step{
		{do: "GET /db/d?rev=" + rev},
		{do: "HEAD /db/d/a?rev=" + rev},
		{do: `GET /db/d?open_revs=["` + rev + `"]`},
		{do: `GET /db/d?atts_since=["` + rev + `"]`},
		{do: "PUT /db/d?rev=" + rev, body: `{}`},
		{do: "PUT /db/d", body: `{"_rev":"` + rev + `"}`},
		{do: "PUT /db/d", header: "If-Match: " + rev, body: `{}`},
		{do: "PUT /db/d/a?rev=" + rev, body: "x"},
		{do: "DELETE /db/d?rev=" + rev},
		{do: "COPY /db/d", header: "Destination: x?rev=" + rev},
		{do: "POST /db/_revs_diff", body: `{"d":["` + rev + `"]}`},
		{do: "POST /db/_bulk_docs", body: `{"docs":[{"_id":"d","_rev":"` + rev + `"}]}`},
	} {
		s.status = 400
		if !strings.HasPrefix(s.do, "HEAD") {
			s.want = `{"error":"bad_request","reason":"Invalid rev format"}`
		}
		b.unchanged(func() { b.play(s) })
	}
	b.play(step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"d","rev":"` + rev + `"}]}`, status: 200, has: []string{`"reason":"Invalid rev format"`}})
}

// However a server is configured, names that it prints again and again are bounded.
func TestNamesAreBounded(t *testing.T) {
	b := newBench(t)
	const idTooLong = `{"error":"illegal_docid","reason":"Document id is too long"}`
	const typeTooLong = `{"error":"bad_request","reason":"Attachment content_type is too long"}`
	id := strings.Repeat("i", couch.MaxDocID+1)
	name := strings.Repeat("n", couch.MaxAttachmentName+1)
	rev := "1-" + strings.Repeat("r", couch.MaxRevHash+1)
	form := "Referer: http://example.com/x\nContent-Type: multipart/form-data; boundary=B"
	upload := func(name, kind string) string {
		return "--B\r\nContent-Disposition: form-data; name=\"_doc\"\r\n\r\n{}\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"_attachments\"; filename=\"" + name + "\"\r\nContent-Type: " + kind + "\r\n\r\nfile\r\n--B--\r\n"
	}
	for _, s := range []step{
		{do: "PUT /db/" + id, body: `{}`, want: idTooLong},
		{do: "PUT /db/_local/" + id, body: `{}`, want: idTooLong},
		{do: "PUT /db/_design/" + id, body: `{}`, want: idTooLong},
		{do: "PUT /db/" + id + "/a", body: `x`, want: idTooLong},
		{do: "POST /db", body: `{"_id":"` + id + `"}`, want: idTooLong},
		{do: "POST /db/_bulk_docs", body: `{"docs":[{"_id":"` + id + `"}]}`, want: idTooLong},
		{do: "POST /db/_bulk_docs", body: `{"new_edits":false,"docs":[{"_id":"d","_rev":"` + rev + `"}]}`},
		{do: "PUT /db/d/" + name, body: `x`, want: `{"error":"bad_request","reason":"Attachment name is too long"}`},
		{do: "PUT /db/d/a", header: "Content-Type: " + name, body: `x`, want: typeTooLong},
		{do: "PUT /db/d", body: `{"_attachments":{"a":{"data":"","content_type":"` + name + `"}}}`, want: typeTooLong},
		{do: "POST /db/d", header: form, body: upload(name, "a/b"), want: `{"error":"bad_request","reason":"Attachment name is too long"}`},
		{do: "POST /db/d", header: form, body: upload("f", name), want: typeTooLong},
	} {
		s.status = 400
		b.unchanged(func() {
			res := b.send(s)
			if body := strings.TrimSpace(res.Body.String()); res.Code != 400 || s.want != "" && body != s.want {
				t.Errorf("%.40s: status %d: %.200s", s.do, res.Code, body)
			}
		})
	}
	b.limits.MaxDocumentID = 2
	b.play(
		step{do: "PUT /db/" + id[:couch.MaxDocID], body: `{}`, status: 400, want: idTooLong},
		step{do: "PUT /db/abc", body: `{}`, status: 400, want: idTooLong},
	)
	b.limits.MaxDocumentID = 0
	b.write(step{do: "PUT /db/" + id[:couch.MaxDocID], body: `{}`})
}
