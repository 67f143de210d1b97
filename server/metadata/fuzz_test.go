package metadata_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func entry(kind, content string, revpos int) string {
	return fmt.Sprintf(`{"content_type":%q,"length":%d,"digest":"md5-%s","revpos":%d}`, kind, len(content), digest(content), revpos)
}

// FuzzThroughMetadata pushes anything, and wants back what was accepted.
func FuzzThroughMetadata(f *testing.F) {
	for _, body := range []string{
		`{"n":1,"attachments_meta":{"one":` + entry("text/plain", "first", 1) + `,"two":` + entry("image/png", "second!", 1) + `}}`,
		`{"attachments_meta":{"x":` + entry("", "first", 2) + `},"_attachments":{"one":{"content_type":"a/b","data":"b3RoZXI="}}}`,
		`{"attachments_meta":[]}`, `{"attachments_meta":{"x":{}},"a":1}`, `{"a":{"attachments_meta":{}}}`, `{"attachments_meta":{"":` + entry("é", "second!", 1) + `}}`,
	} {
		f.Add(body, uint8(0))
		f.Add(body, uint8(6))
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, body string, inlineMax uint8) {
		var sent map[string]any
		if json.Unmarshal([]byte(body), &sent) != nil || len(sent) == 0 || strings.TrimSpace(body)[0] != '{' {
			t.Skip()
		}
		for name := range sent {
			if strings.HasPrefix(name, "_") && name != "_attachments" {
				t.Skip()
			}
		}
		r := b.document(t, int64(inlineMax))
		first, ok := r.push(strings.TrimSpace(body))
		if !ok {
			t.Skip()
		}
		r.wantsSame(sent, first, int(inlineMax))
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, ok := r.push(string(text))
		if !ok {
			t.Fatalf("%s is served, and not accepted", text)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s changes when it comes back: %s", text, diff)
		}
	})
}

// push pushes the next revision of the document, an object with members, and returns what is
// served then, without id and revision; not ok: it was refused.
func (r *document) push(body string) (served map[string]any, ok bool) {
	r.t.Helper()
	status, answer := r.send("PUT", "/_metadata/db/"+r.id+"?rev="+r.rev, body)
	var saved struct{ Rev string }
	if err := json.Unmarshal([]byte(answer), &saved); err != nil || status >= 500 {
		r.t.Fatalf("%s: %d %s", body, status, answer)
	}
	if status >= 300 {
		return nil, false
	}
	r.rev = saved.Rev
	if _, answer = r.send("GET", "/_metadata/db/"+r.id, ""); json.Unmarshal([]byte(answer), &served) != nil {
		r.t.Fatal(answer)
	}
	delete(served, "_id")
	delete(served, "_rev")
	return served, true
}

// wantsSame compares what was pushed with what is served: the bodies, and of the
// attachments, which may be listed in either member, name, type, length and digest.
func (r *document) wantsSame(sent, served map[string]any, inlineMax int) {
	r.t.Helper()
	if list, isList := served["attachments_meta"].(map[string]any); isList || served["attachments_meta"] == nil {
		want, got := attachmentsOf(sent, stubs), attachmentsOf(served, nil)
		if diff := cmp.Diff(want, got); diff != "" {
			r.t.Errorf("attachments of %v: %s", sent, diff)
		}
		for name := range got {
			if _, deferred := list[name]; deferred == (inlineMax > 0 && int(got[name].Length) <= inlineMax) {
				r.t.Errorf("%s of %v: %v is not in its place", name, sent, got[name])
			}
		}
		delete(sent, "attachments_meta")
		served = maps.Clone(served)
		delete(served, "attachments_meta")
	}
	sent, served = maps.Clone(sent), maps.Clone(served)
	delete(sent, "_attachments")
	delete(served, "_attachments")
	if diff := cmp.Diff(sent, served); diff != "" {
		r.t.Errorf("%v: %s", sent, diff)
	}
}

// listedAttachment is what both members say of an attachment.
type listedAttachment struct {
	Type, Digest string
	Length       float64
}

// attachmentsOf returns the attachments of a document; stubs are what those that it
// has in `_attachments` stand for, nil where they speak for themselves.
func attachmentsOf(doc map[string]any, stubs map[string]listedAttachment) map[string]listedAttachment {
	all := map[string]listedAttachment{}
	for _, member := range []string{"attachments_meta", "_attachments"} {
		list, _ := doc[member].(map[string]any)
		for name, value := range list {
			entry, isObject := value.(map[string]any)
			if !isObject {
				continue // which CouchDB ignores in _attachments
			}
			var a listedAttachment
			a.Type, _ = entry["content_type"].(string)
			a.Digest, _ = entry["digest"].(string)
			a.Length, _ = entry["length"].(float64)
			if data, isInline := entry["data"].(string); isInline && entry["stub"] != true {
				content, _ := base64.StdEncoding.DecodeString(data)
				sum := md5.Sum(content)
				a.Digest, a.Length = "md5-"+base64.StdEncoding.EncodeToString(sum[:]), float64(len(content))
			}
			if _, typed := entry["content_type"]; !typed {
				a.Type = "application/octet-stream"
			}
			if stubs != nil && entry["stub"] == true && member == "_attachments" {
				a = stubs[name]
			}
			all[name] = a
		}
	}
	return all
}

// stubs are the attachments that a document of a new replica has.
var stubs = map[string]listedAttachment{
	"one": {"text/plain", "md5-" + digest("first"), 5},
	"two": {"image/png", "md5-" + digest("second!"), 7},
}

func digest(content string) string {
	sum := md5.Sum([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}
