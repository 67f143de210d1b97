package replication_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/replication"
	"settle/storage/couch"
)

func TestParseSpecRefuses(t *testing.T) {
	const ends = `"source":"http://a/x","target":"http://b/y"`
	for _, text := range []string{
		``, `5`, `null`, `[]`, `{}`, `{"source":"x"}`, `{"target":"x"}`, `{"source":{},"target":"x"}`, `{"source":["x"],"target":"x"}`,
		`{"source":"http://","target":"x"}`, `{"source":"http://a/x?y","target":"x"}`, `{"source":true,"target":"x"}`,
		`{"source":{"url":"http://a/x","headers":{"A":5}},"target":"x"}`, `{"source":{"url":"http://a/x","headers":{"A\r\nB":"5"}},"target":"x"}`,
		`{"source":{"url":"http://a/x","headers":{"A":"5\r\nB: 6"}},"target":"x"}`, `{"source":{"url":"http://a/x","headers":{"Host":"b"}},"target":"x"}`,
		`{` + ends + `,"continuous":"x"}`, `{` + ends + `,"doc_ids":"x"}`, `{` + ends + `,"doc_ids":[1]}`, `{` + ends + `,"filter":5}`,
		`{` + ends + `,"selector":5}`, `{` + ends + `,"http_connections":"x"}`, `{` + ends + `,"http_connections":-1}`, `{` + ends + `,"worker_processes":0}`,
		`{` + ends + `,"query_params":5}`, `{` + ends + `,"query_params":null}`, `{` + ends + `,"selector":null}`, `{` + ends + `,"continuous":null}`,
		`{` + ends + `,"create_target_params":null}`, `{` + ends + `,"proxy":null}`, `{` + ends + `,"filter":null}`, `{` + ends + `,"filter":""}`,
		`{` + ends + `,"filter":"nowhere"}`, `{` + ends + `,"filter":"_view"}`, `{` + ends + `,"filter":"_view","query_params":{"view":"x"}}`,
		`{` + ends + `,"create_target":"x"}`, `{` + ends + `,"create_target_params":5}`,
		`{` + ends + `,"doc_ids":["a"],"selector":{}}`, `{` + ends + `,"doc_ids":["a"],"filter":"a/b"}`,
		`{` + ends + `,"proxy":"http://p","source_proxy":"http://q"}`, `{` + ends + `,"proxy":"ftp://p"}`,
	} {
		if _, err := replication.ParseSpec([]byte(text), replication.StandardTuning()); !errors.Is(err, &replication.Error{Kind: replication.Invalid}) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// What CouchDB takes is taken: numbers as text or beyond what is useful, ids that are
// percent-encoded, no ids.
func TestParseSpecTakes(t *testing.T) {
	const ends = `"source":"http://a/x","target":"http://b/y"`
	spec, err := replication.ParseSpec([]byte(`{`+ends+`,"worker_processes":1000,"worker_batch_size":"7","filter":"_view","query_params":{"view":"a/b"}}`), replication.StandardTuning())
	if err != nil || spec.Workers != 64 || spec.BatchSize != 7 {
		t.Errorf("%+v, %v", spec, err)
	}
	spec, err = replication.ParseSpec([]byte(`{`+ends+`,"doc_ids":["b","a%20b","a+b","100%","a b"]}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]couch.DocID{"100%", "a b", "a%20b", "a+b", "b"}, spec.Filter.DocIDs); diff != "" {
		t.Error(diff)
	}
	decoded, err := replication.ParseSpec([]byte(`{`+ends+`,"doc_ids":["100%","a b","b"]}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	one, err := spec.ID(t.Context(), "u", nil)
	other, otherErr := decoded.ID(t.Context(), "u", nil)
	if err != nil || otherErr != nil || one != other {
		t.Errorf("%s %s, %v %v", one, other, err, otherErr)
	}
	if spec, err = replication.ParseSpec([]byte(`{`+ends+`,"doc_ids":null,"selector":{}}`), replication.StandardTuning()); err != nil || spec.Filter.DocIDs != nil {
		t.Errorf("%+v, %v", spec, err)
	}
}

// Nothing that prints an endpoint shows a secret.
func TestEndpointsPrintWithoutCredentials(t *testing.T) {
	spec, err := replication.ParseSpec([]byte(`{"source":"https://user:s3cret@a:6984/x","proxy":"http://user:s3cret@p:1",
		"target":{"url":"http://b/y","headers":{"Authorization":"Basic dXNlcjpzM2NyZXQ="}}}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*replication.Endpoint{&spec.Source, &spec.Target} {
		if e.User != "user" || e.Password != "s3cret" {
			t.Errorf("credentials of %v were not read", e)
		}
		for _, shown := range []string{fmt.Sprint(e), fmt.Sprintf("%#v", e), e.String(), e.ShownProxy()} {
			if strings.Contains(shown, "s3cret") || strings.Contains(shown, "dXNl") {
				t.Errorf("%q shows a secret", shown)
			}
		}
	}
	if got := spec.Source.String(); got != "https://a:6984/x/" {
		t.Errorf("got %s", got)
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add(`{"source":"http://a/x","target":"b"}`)
	f.Add(`{"source":{"url":"http://a/x","headers":{"A":"b"},"auth":{"basic":{"username":"u","password":"p"}}},"target":"b","doc_ids":["x"],"selector":{},"query_params":{"a":1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := replication.ParseSpec([]byte(text), replication.StandardTuning())
		if err != nil {
			return
		}
		if spec.Filter.Function == "" || spec.Filter.Function[0] == '_' {
			if _, err := spec.ID(t.Context(), "u", nil); err != nil && spec.Filter.IsZero() {
				t.Error(err)
			}
		}
	})
}
