package documents_test

import (
	"strings"
	"testing"
)

// Revision ids that CouchDB gives.
const (
	rev1 = "1-7a7e4b29f3af401e69b6f86e4c26b727" // {"v":1}
	rev2 = "2-d0df861eb528e79690cd2ff3c4d394f3" // {"v":2} on it
)

func saved(id, rev string) string { return `{"ok":true,"id":"` + id + `","rev":"` + rev + `"}` }

const conflict = `{"error":"conflict","reason":"Document update conflict."}`

func TestPutAndGet(t *testing.T) {
	newBench(t).play(
		step{do: "PUT /db/a%2Fb", body: `{"v":1}`, status: 201, want: saved("a/b", rev1),
			head: "Location: http://example.com/db/a%2Fb\nETag: \"" + rev1 + `"`},
		step{do: "GET /db/a%2Fb", status: 200, want: `{"_id":"a/b","_rev":"` + rev1 + `","v":1}`,
			head: "ETag: \"" + rev1 + "\"\nContent-Type: application/json\nCache-Control: must-revalidate"},
		step{do: "GET /db/a%2Fb", header: `If-None-Match: "` + rev1 + `"`, status: 304},
		step{do: "HEAD /db/a%2Fb", status: 200},
		step{do: "PUT /db/a%2Fb", body: `{"v":2}`, status: 409, want: conflict},
		step{do: "PUT /db/a%2Fb?rev=" + rev1, body: `{"_id":"other","v":2}`, status: 201, want: saved("a/b", rev2)},
		step{do: "GET /db/a%2Fb?revs=true&revs_info=true", status: 200, has: []string{
			`"_revisions":{"start":2,"ids":["` + rev2[2:] + `","` + rev1[2:] + `"]}`, `"status":"available"`}},
		step{do: "GET /db/a%2Fb?rev=" + rev1, status: 200, has: []string{`"v":1`}},
		step{do: "GET /db/a%2Fb?rev=" + rev1 + "&latest=true", status: 200, has: []string{`"v":2`}},
		step{do: "GET /db/a%2Fb?rev=0-", status: 404},
		step{do: "GET /db/a%2Fb?local_seq=true&meta=true", status: 200, has: []string{`"_local_seq":2`, `"_revs_info"`}, head: "ETag:"},
		step{do: "DELETE /db/a%2Fb", status: 409, want: conflict},
		step{do: "DELETE /db/a%2Fb?rev=" + rev2, status: 200},
		step{do: "GET /db/a%2Fb", status: 404, want: `{"error":"not_found","reason":"deleted"}`},
		step{do: "DELETE /db/a%2Fb?rev=" + rev2, status: 404, want: `{"error":"not_found","reason":"deleted"}`},
		step{do: "PUT /db/gone", body: `{"_deleted":true}`, status: 200},
	)
}

func TestRevisionOfAWrite(t *testing.T) {
	b := newBench(t)
	b.play(step{do: "PUT /db/d", body: `{"v":1}`, status: 201})
	for _, s := range []step{
		{do: "PUT /db/d?rev=" + rev1, header: `If-Match: "1-other"`, body: `{}`, status: 400},
		{do: "PUT /db/d", header: `If-Match: "1-other"`, body: `{"_rev":"` + rev1 + `"}`, status: 400},
		{do: "PUT /db/d?rev=1-other", body: `{"_rev":"` + rev1 + `"}`, status: 400,
			want: `{"error":"bad_request","reason":"Document rev from request body and query string have different values"}`},
		{do: "PUT /db/d", header: "If-Match: *", body: `{}`, status: 400},
		{do: "PUT /db/d?rev=", body: `{}`, status: 400},
		{do: "PUT /db/d", body: `{"_rev":5}`, status: 400},
		{do: "PUT /db/d?new_edits=false", body: `{}`, status: 400},
		{do: "DELETE /db/d?rev=x", status: 400},
		{do: "DELETE /db/d?rev=1-x", status: 409},
		{do: "DELETE /db/d", header: "If-Match: 1-x", status: 409},
		{do: "DELETE /db/none?rev=x", status: 404},
		{do: "PUT /db/d?rev=1-x", body: `{}`, status: 409},
	} {
		b.unchanged(func() { b.play(s) })
	}
	b.play(
		step{do: "PUT /db/d", header: "If-Match: \"" + rev1 + "\"", body: `{"v":2}`, status: 201, want: saved("d", rev2)},
		step{do: "PUT /db/d?new_edits=false&rev=9-abc", body: `{"v":9}`, status: 201, want: saved("d", "9-abc")},
		step{do: "GET /db/d?conflicts=true", status: 200, has: []string{`"_conflicts":["` + rev2 + `"]`}, head: "ETag:"},
		step{do: "GET /db/d?rev=9-abc&conflicts=true", status: 200, want: `{"_id":"d","_rev":"9-abc","v":9}`, head: `ETag: "9-abc"`},
	)
}

func TestPost(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "POST /db", body: `{"_id":"ü+","v":1}`, status: 201, want: saved("ü+", rev1),
			head: "Location: http://example.com/db/%C3%BC%2B"},
		step{do: "POST /db", body: `{"v":1,"_rev":"1-x"}`, status: 201, has: []string{rev1}},
		step{do: "POST /db", body: `{"_id":"_local/l"}`, status: 201, want: saved("_local/l", "0-1")},
		step{do: "POST /db?batch=ok", body: `{"_id":"later","v":1}`, status: 202, want: `{"ok":true,"id":"later"}`},
		step{do: "GET /db/later", status: 200},
		step{do: "PUT /db/later?batch=ok", body: `{"lost":"conflict"}`, status: 202, want: `{"ok":true,"id":"later"}`},
		step{do: "GET /db/later", status: 200, has: []string{rev1}},
	)
	for _, s := range []step{
		{do: "POST /db", header: "Content-Type: text/plain", body: `{}`, status: 415},
		{do: "POST /db", body: `{"_id":""}`, status: 400},
		{do: "POST /db", body: `{"_id":"_x"}`, status: 400},
		{do: "POST /db", body: `{"_id":7}`, status: 400},
		{do: "POST /db", body: `[]`, status: 400},
		{do: "POST /db", body: ``, status: 400},
		{do: "POST /db", body: `{} x`, status: 400},
		{do: "POST /nodb", body: `{}`, status: 404},
	} {
		b.unchanged(func() { b.play(s) })
	}
}

func TestCopy(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "PUT /db/src", body: `{"v":1,"_attachments":{"a":{"data":"aGVsbG8="}}}`, status: 201},
		step{do: "COPY /db/src", header: "Destination: to%2Fit", status: 201, head: "Location: http://example.com/db/to%2Fit"},
		step{do: "GET /db/to%2Fit/a", status: 200, want: "hello"},
		step{do: "COPY /db/to%2Fit", header: "Destination: _local/l", status: 201, want: saved("_local/l", "0-1"), head: `ETag: "0-1"`},
		step{do: "COPY /db/_local/l", header: "Destination: back", status: 201, want: saved("back", rev1)},
		step{do: "COPY /db/back", header: "Destination: back?rev=" + rev1, status: 201},
		step{do: "COPY /db/back?rev=" + rev1, header: "Destination: _design/d", status: 201, want: saved("_design/d", rev1)},
	)
	for _, s := range []step{
		{do: "COPY /db/src", status: 400},
		{do: "COPY /db/src", header: "Destination: to%2Fit", status: 409, want: conflict},
		{do: "COPY /db/src", header: "Destination: x?rev=bad", status: 400},
		{do: "COPY /db/src", header: "Destination: x?rev", status: 400},
		{do: "COPY /db/src", header: "Destination: x?rev=1-a&y=z", status: 400},
		{do: "COPY /db/src", header: "Destination: x?y?rev=1-a", status: 400},
		{do: "COPY /db/src", header: "Destination: http://h/db/x", status: 400},
		{do: "COPY /db/src", header: "Destination: %zz", status: 400},
		{do: "COPY /db/src", header: "Destination: _x", status: 400},
		{do: "COPY /db/src?rev=1-none", header: "Destination: x", status: 404},
		{do: "COPY /db/_local/l?rev=0-1", header: "Destination: x", status: 404},
		{do: "COPY /db/none", header: "Destination: x", status: 404},
	} {
		b.unchanged(func() { b.play(s) })
	}
}

func TestLocal(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "PUT /db/_local/a", body: `{"v":1}`, status: 201, want: saved("_local/a", "0-1"),
			head: "Location: http://example.com/db/_local%2Fa"},
		step{do: "PUT /db/_local/a?rev=0-7", body: `{"v":2,"_attachments":{"x":{"data":"eA=="}}}`, status: 201, want: saved("_local/a", "0-8")},
		step{do: "GET /db/_local%2Fa?revs=true", status: 200, want: `{"_id":"_local/a","_rev":"0-8","v":2,"_revisions":{"start":0,"ids":["8"]}}`},
		step{do: "GET /db/_local/a?rev=0-8", status: 404},
		step{do: "GET /db/_local/a?open_revs=all", status: 404},
		step{do: "DELETE /db/_local/a", status: 200, want: saved("_local/a", "0-0")},
		step{do: "DELETE /db/_local/a", status: 404},
		step{do: "PUT /db/_local/a", body: `{"_deleted":true}`, status: 200, want: saved("_local/a", "0-0")},
		step{do: "PUT /db/_local/r?new_edits=false", body: `{"_rev":"0-7"}`, status: 201, want: saved("_local/r", "0-7")},
		step{do: "GET /db/_local/r", status: 200, has: []string{`"_rev":"0-8"`}},
	)
	for _, s := range []step{
		{do: "PUT /db/_local/a", body: `{"_rev":"1-1"}`, status: 400},
		{do: "PUT /db/_local/a", body: `{"_rev":"0-x"}`, status: 400},
		{do: "PUT /db/_local/a", body: `{"_rev":"0-9223372036854775807"}`, status: 400},
		{do: "PUT /db/_local/a/b", body: `{}`, status: 400},
		{do: "GET /db/_local/a/b", status: 400},
		{do: "PUT /db/_local%2Fa/b", body: `{}`, status: 400},
		{do: "GET /db/_local", status: 400},
		{do: "GET /db/_local%2F", status: 400},
		{do: "PUT /db/_design%2F", body: `{}`, status: 400},
	} {
		b.unchanged(func() { b.play(s) })
	}
}

// The tag of a local document tells one text from another of the same revision.
func TestLocalETag(t *testing.T) {
	b := newBench(t)
	first := b.send(step{do: "PUT /db/_local/a", body: `{"v":1}`}).Header().Get("ETag")
	b.play(step{do: "GET /db/_local/a", header: "If-None-Match: " + first, status: 304})
	second := b.send(step{do: "PUT /db/_local/a", body: `{"v":2}`}).Header().Get("ETag")
	if first == second {
		t.Errorf("both texts have the tag %s", first)
	}
	b.play(step{do: "GET /db/_local/a", header: "If-None-Match: " + first, status: 200, head: "ETag: " + second})
}

func TestOpenRevs(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "POST /db/_bulk_docs", body: `{"new_edits":false,"docs":[{"_id":"d","_revisions":{"start":2,"ids":["b1","a"]}},{"_id":"d","_revisions":{"start":2,"ids":["b2","a"]},"_deleted":true}]}`, status: 201, want: `[]`},
		step{do: "GET /db/d?open_revs=all", status: 200, want: `[{"ok":{"_id":"d","_rev":"2-b1"}},{"ok":{"_id":"d","_rev":"2-b2","_deleted":true}}]`},
		step{do: `GET /db/d?open_revs=["1-a","9-z"]&latest=true&revs=true`, status: 200,
			has: []string{`"_revisions":{"start":2,"ids":["b1","a"]}`, `"_rev":"2-b2"`, `{"missing":"9-z"}`}},
		step{do: `GET /db/none?open_revs=["1-a"]`, status: 200, want: `[{"missing":"1-a"}]`},
		step{do: `GET /db/none?open_revs=all`, status: 404},
		step{do: `GET /db/d?open_revs=[]`, status: 200, want: `{"_id":"d","_rev":"2-b1"}`},
		step{do: `GET /db/d?open_revs=x`, status: 400, want: `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		step{do: `GET /db/d?open_revs=nonsense`, status: 400, want: `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		step{do: `GET /db/d?open_revs={}`, status: 400, want: `{"error":"bad_request","reason":"Invalid list of revisions"}`},
		step{do: `GET /db/d?open_revs=[5]`, status: 400},
		step{do: `GET /db/d?open_revs=["x"]`, status: 400},
		step{do: `PUT /db/d?open_revs=["x"]`, body: `{}`, status: 400},
		step{do: `HEAD /db/d?open_revs=all`, status: 200},
	)
	res := b.send(step{do: "GET /db/d?open_revs=all", header: "Accept: multipart/mixed"})
	if !strings.HasPrefix(res.Header().Get("Content-Type"), "multipart/mixed; boundary=") {
		t.Errorf("open_revs answers %s", res.Header().Get("Content-Type"))
	}
}

func TestDesignDocumentsAreNotRedirectedButRead(t *testing.T) {
	newBench(t).play(
		step{do: "PUT /db/_design/d", body: `{"v":1}`, status: 201, want: saved("_design/d", rev1)},
		step{do: "GET /db/_design/d", status: 200},
		step{do: "GET /db/_design%2Fd?revs=true", status: 301, head: "Location: http://example.com/db/_design/d?revs=true"},
		step{do: "PUT /db/_design/d/x/y?rev=" + rev1, body: "hi", header: "Content-Type: text/plain", status: 201,
			head: "Location: http://example.com/db/_design%2Fd/x%2Fy"},
		step{do: "GET /db/_design/d/x/y", status: 200, want: "hi"},
		step{do: "GET /db/_design%2Fd/x%2Fy", status: 301, head: "Location: http://example.com/db/_design/d/x%2Fy"},
		step{do: "GET //db//_design%2fa%2Db+c/(~)//_design%2F%c3%a9?x=%2f", status: 301, head: "Location: http://example.com//db//_design/a%2Db+c/(~)//_design%2F%c3%a9?x=%2f"},
		step{do: "HEAD http://elsewhere/db/_design%2Fd", status: 301, head: "Location: http://elsewhere/db/_design/d"},
		step{do: "GET /db/%5Fdesign%2Fd", status: 200, has: []string{`{"_id":"_design/d","_rev":"2-`}},
		step{do: "GET /db/_design", status: 404},
	)
}

func TestForm(t *testing.T) {
	b := newBench(t)
	form := "--B\r\nContent-Disposition: form-data; name=\"_attachments\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"_rev\"\r\n\r\n" + rev1 + "\r\n--B--\r\n"
	b.play(
		step{do: "PUT /db/d", body: `{"v":1}`, status: 201},
		step{do: "POST /db/d", body: form, status: 400, want: `{"error":"bad_request","reason":"Referer header required."}`},
		step{do: "POST /db/d", header: "Referer: http://elsewhere/", body: form, status: 400},
		step{do: "POST /db/d", header: "Referer: http://example.com/x", body: form, status: 415},
	)
	header := "Referer: http://example.com/x\nContent-Type: multipart/form-data; boundary=B"
	for _, bad := range []string{form[:60], "", "--B\r\n\r\n\r\n--B--", strings.Replace(form, rev1, "1-x", 1), strings.Replace(form, "f.txt", "_f", 1)} {
		b.unchanged(func() {
			if code := b.send(step{do: "POST /db/d", header: header, body: bad}).Code; code < 400 || code > 499 {
				t.Errorf("%q: status %d", bad, code)
			}
		})
	}
	doc := strings.Replace(strings.Replace(form, `"_rev"`, `"_doc"`, 1), rev1, `{"w":1}`, 1)
	b.play(
		step{do: "POST /db/d", header: header, body: form, status: 201, has: []string{`"rev":"2-`}},
		step{do: "GET /db/d/f.txt", status: 200, want: "file", head: "Content-Type: text/plain"},
		step{do: "POST /db/new", header: header, body: doc, status: 201},
		step{do: "GET /db/new/f.txt", status: 200, want: "file"},
	)
}

func TestDeletedIsRead(t *testing.T) {
	b := newBench(t)
	rev := b.write(step{do: "PUT /db/d", body: `{"_deleted":true,"v":1,"_attachments":{"a":{"data":"eA=="}}}`})
	b.play(
		step{do: "GET /db/d", status: 404, want: `{"error":"not_found","reason":"deleted"}`},
		step{do: "GET /db/d?deleted=false", status: 404},
		step{do: "GET /db/d?deleted=true", status: 200, has: []string{`{"_id":"d","_rev":"` + rev + `","v":1,"_deleted":true,`}, head: `ETag: "` + rev + `"`},
		step{do: "HEAD /db/d?deleted=true", status: 200},
		step{do: "GET /db/d?deleted=true&latest=true&rev=" + rev, status: 200},
		step{do: "GET /db/d?deleted=true&meta=true", status: 200, has: []string{`"_revs_info":[{"rev":"` + rev + `","status":"deleted"}]`}},
		step{do: "GET /db/d/a?deleted=true", status: 200, want: "x"},
		step{do: "GET /db/d/a", status: 404},
		step{do: "GET /db/none?deleted=true", status: 404, want: `{"error":"not_found","reason":"missing"}`},
	)
	for _, s := range []step{
		{do: "COPY /db/d?deleted=true", header: "Destination: x", status: 404},
		{do: "DELETE /db/d?deleted=true&rev=" + rev, status: 404},
	} {
		b.unchanged(func() { b.play(s) })
	}
}

func TestUnseenWrites(t *testing.T) {
	b := newBench(t)
	for _, s := range []step{
		{do: "PUT /db/d?new_edits=false&batch=ok", body: `{}`, status: 400, want: noRev},
		{do: "PUT /db/_local/x?batch=ok", body: `{"_rev":"1-1"}`, status: 202, want: `{"ok":true,"id":"_local/x"}`},
		{do: "POST /db?batch=ok", body: `{"_id":"_local/x","_rev":"1-1"}`, status: 202},
		{do: "PUT /db/d?batch=ok", body: `{"_attachments":{"a":{"stub":true}}}`, status: 202},
		{do: "PUT /db/_x?batch=ok", body: `{}`, status: 400},
	} {
		b.unchanged(func() { b.play(s) })
	}
	b.play(
		step{do: "PUT /db/d?batch=ok", body: `{"v":1}`, status: 202},
		step{do: "PUT /db/d?new_edits=false&batch=ok&rev=" + rev1, body: `{"v":2}`, status: 202},
		step{do: "GET /db/d", status: 200, has: []string{rev2}},
	)
}

const noRev = "{\"error\":\"bad_request\",\"reason\":\"When `new_edits: false`, the document needs `_rev` or `_revisions` specified\"}"
