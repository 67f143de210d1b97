package server_test

import (
	"strings"
	"testing"
)

// meta returns a document in metadata form; its revision is the replica's.
func (r *replica) meta(entries string) string {
	return `{"_rev":"` + r.rev + `","n":2,"attachments_meta":{` + entries + `}}`
}

// edit stores an edit of "a" through the metadata view, which must show it as it was
// sent.
func (r *replica) edit(entries string) {
	r.t.Helper()
	sent := r.meta(entries)
	r.rev = r.put("/_metadata/db/a", sent)
	want := strings.Replace(sent, sent[:strings.Index(sent, `,"n"`)], `{"_id":"a","_rev":"`+r.rev+`"`, 1)
	r.wants(r.ok("GET", "/_metadata/db/a", ""), strings.Replace(want, `,"attachments_meta":{}`, "", 1))
}

func TestEditsThroughMetadata(t *testing.T) {
	r := newReplica(t)
	one, two := entry("text/plain", "first", 1), entry("image/png", "second!", 1)
	r.edit(`"one":` + one + `,"two":` + two)
	r.edit(`"renamed":` + two + `,"one":` + one)
	r.edit(`"one":` + entry("text/html", "first", 1))
	r.edit(`"one":` + entry("text/html", "first", 3))
	r.edit(`"one":` + one + `,"again":` + one)
	if got := r.ok("GET", "/db/a/again", ""); got != "first" {
		t.Errorf("the content is %q", got)
	}
	r.edit(`"two":` + two) // of an older revision
	if got := r.ok("GET", "/db/a/two", ""); got != "second!" {
		t.Errorf("the content is %q", got)
	}
	r.edit(``)
	if got := r.ok("GET", "/db/a", ""); strings.Contains(got, "attachments") {
		t.Errorf("the document is %s", got)
	}
}

// TestRevisionIDsAreOrdinary makes the same edits in two databases, through the
// metadata view and without it.
func TestRevisionIDsAreOrdinary(t *testing.T) {
	r := newReplica(t)
	r.ok("PUT", "/twin", "")
	twin := r.put("/twin/a", `{"n":1,"_attachments":{"one":`+inline("text/plain", "first")+`,"two":`+inline("image/png", "second!")+`}}`)
	for i, body := range []string{`"n":2`, `"z":-0.0,"a":[1,2.5,"x",{"b":null}]`, `"n":12345678901234567890,"s":"\u00e9\"",`} {
		before, after, _ := strings.Cut(body, ",")
		if after != "" {
			after = "," + strings.TrimSuffix(after, ",")
		}
		through := r.put("/_metadata/db/a", `{"_rev":"`+r.rev+`",`+before+`,"attachments_meta":`+bothEntries()+after+`}`)
		without := r.put("/twin/a", `{"_rev":"`+twin+`",`+before+`,"_attachments":{"one":{"stub":true},"two":{"stub":true}}`+after+`}`)
		if through != without {
			t.Errorf("edit %d: %s and %s", i, through, without)
		}
		r.rev, twin = through, without
	}
}

func TestAttachmentsWinOverEntries(t *testing.T) {
	r := newReplica(t)
	r.put("/_metadata/db/a", `{"_rev":"`+r.rev+`","attachments_meta":`+bothEntries()+`,"_attachments":{"one":`+inline("text/plain", "new")+`}}`)
	if one, two := r.ok("GET", "/db/a/one", ""), r.ok("GET", "/db/a/two", ""); one != "new" || two != "second!" {
		t.Errorf("got %q and %q", one, two)
	}
}

func TestMalformedEntries(t *testing.T) {
	r := newReplica(t)
	good := entry("text/plain", "first", 1)
	for name, entry := range map[string]string{
		"no object":        `5`,
		"null":             `null`,
		"empty":            `{}`,
		"no digest":        strings.Replace(good, `"digest"`, `"dig"`, 1),
		"no revpos":        strings.Replace(good, `,"revpos":1`, ``, 1),
		"another member":   strings.Replace(good, `"revpos"`, `"stub":true,"revpos"`, 1),
		"a long digest":    strings.Replace(good, `md5-`, `md5-AAAA`, 1),
		"another digest":   strings.Replace(good, `md5-`, `sha256-`, 1),
		"a digest of bits": strings.Replace(good, `1Q==`, `1R==`, 1),
		"a negative size":  strings.Replace(good, `"length":5`, `"length":-5`, 1),
		"a fraction":       strings.Replace(good, `"length":5`, `"length":5.5`, 1),
		"a size as text":   strings.Replace(good, `"length":5`, `"length":"5"`, 1),
		"a list as type":   strings.Replace(good, `"text/plain"`, `["text/plain"]`, 1),
		"a negative place": strings.Replace(good, `"revpos":1`, `"revpos":-1`, 1),
	} {
		if entry == good {
			t.Fatalf("%s: the entry is in order", name)
		}
		for _, list := range []string{`"x":` + entry, `"one":` + good + `,"x":` + entry} {
			if got := r.refused("PUT", "/_metadata/db/a", r.meta(list)); !strings.HasPrefix(got, "400 bad_request") {
				t.Errorf("%s: %s", name, got)
			}
			if got := r.refused("POST", "/_metadata/db/_bulk_docs", `{"docs":[{"_id":"b"},{"_id":"c","attachments_meta":{`+list+`}}]}`); !strings.HasPrefix(got, "400 bad_request") {
				t.Errorf("%s, in a batch: %s", name, got)
			}
		}
	}
	if got := r.refused("PUT", "/_metadata/db/a", r.meta(`"_x":`+good)); !strings.HasPrefix(got, "400 bad_request: Attachment name '_x'") {
		t.Error(got)
	}
	if got := r.refused("GET", "/db/b", ""); !strings.HasPrefix(got, "404") {
		t.Errorf("a part of a batch was written: %s", got)
	}
	if rev := r.ok("GET", "/db/a", ""); !strings.Contains(rev, r.rev) {
		t.Errorf("the document has changed: %s", rev)
	}
}

func TestMissingContent(t *testing.T) {
	r := newReplica(t)
	r.put("/db/other", `{"_attachments":{"one":`+inline("text/plain", "of another")+`}}`)
	for name, list := range map[string]string{
		"of another document": `"x":` + entry("text/plain", "of another", 1),
		"unknown":             `"one":` + entry("text/plain", "first", 1) + `,"x":` + entry("text/plain", "unknown", 1),
		"another length":      `"x":` + strings.Replace(entry("text/plain", "first", 1), `"length":5`, `"length":6`, 1),
	} {
		if got := r.refused("PUT", "/_metadata/db/a", r.meta(list)); got != "412 missing_stub: Invalid attachment stub in a for x" {
			t.Errorf("%s: %s", name, got)
		}
		if got := r.refused("PUT", "/_metadata/db/new", `{"attachments_meta":{`+list+`}}`); !strings.HasPrefix(got, "412 missing_stub: ") {
			t.Errorf("%s, new: %s", name, got)
		}
		batch := `{"new_edits":false,"docs":[{"_id":"a","_rev":"2-b","_revisions":{"start":2,"ids":["b","` + r.rev[2:] + `"]},"attachments_meta":{` + list + `}},{"_id":"z","_rev":"1-a"}]}`
		r.wants(r.ok("POST", "/_metadata/db/_bulk_docs", batch), `[{"id":"a","rev":"2-b","error":"forbidden","reason":"missing_stub: x"}]`)
		r.ok("GET", "/db/z", "")
		interactive := `{"docs":[{"_id":"a","_rev":"` + r.rev + `","attachments_meta":{` + list + `}}]}`
		r.wants(r.ok("POST", "/_metadata/db/_bulk_docs", interactive), `[{"id":"a","error":"forbidden","reason":"missing_stub: x"}]`)
	}
}

func TestForeignMember(t *testing.T) {
	for _, foreign := range []string{`"text"`, `[1,{"a":2}]`, `null`, `{"x":1}`, `{"one":{}}`} {
		r := newReplica(t)
		r.rev = r.put("/db/a", `{"_rev":"`+r.rev+`","n":1,"attachments_meta":`+foreign+`,"_attachments":{"one":{"stub":true},"two":{"stub":true}}}`)
		shown := `"attachments_meta":` + foreign
		r.wants(r.ok("GET", "/_metadata/db/a", ""), `{"_id":"a","_rev":"`+r.rev+`","n":1,`+shown+`}`)
		back := `{"_id":"a","_rev":"3-x","_revisions":{"start":3,"ids":["x","` + r.rev[2:] + `"]},"n":2,` + shown + `}`
		r.ok("POST", "/_metadata/db/_bulk_docs", `{"new_edits":false,"docs":[`+back+`]}`)
		r.wants(r.ok("GET", "/_metadata/db/a", ""), `{"_id":"a","_rev":"3-x","n":2,`+shown+`}`)
		r.put("/_metadata/db/a", `{"_rev":"3-x","n":3,`+shown+`}`)
		for name, want := range map[string]string{"one": "first", "two": "second!"} {
			if got := r.ok("GET", "/db/a/"+name, ""); got != want {
				t.Errorf("%s: %s is %q", foreign, name, got)
			}
		}
		if got := r.ok("GET", "/db/a", ""); !strings.Contains(got, shown) {
			t.Errorf("got %s", got)
		}
	}
	r := newReplica(t)
	r.put("/_metadata/db/new", `{"attachments_meta":"mine"}`)
}
