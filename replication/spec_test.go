package replication_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"settle/replication"
)

func TestParseSpecRefuses(t *testing.T) {
	const ends = `"source":"http://a/x","target":"http://b/y"`
	for _, text := range []string{
		``, `5`, `null`, `[]`, `{}`, `{"source":"x"}`, `{"target":"x"}`, `{"source":{},"target":"x"}`, `{"source":["x"],"target":"x"}`,
		`{"source":"http://","target":"x"}`, `{"source":"http://a/x?y","target":"x"}`, `{"source":true,"target":"x"}`,
		`{"source":{"url":"http://a/x","headers":{"A":5}},"target":"x"}`, `{"source":{"url":"http://a/x","headers":{"A\r\nB":"5"}},"target":"x"}`,
		`{"source":{"url":"http://a/x","headers":{"A":"5\r\nB: 6"}},"target":"x"}`, `{"source":{"url":"http://a/x","headers":{"Host":"b"}},"target":"x"}`,
		`{` + ends + `,"continuous":"x"}`, `{` + ends + `,"doc_ids":"x"}`, `{` + ends + `,"doc_ids":[1]}`, `{` + ends + `,"filter":5}`,
		`{` + ends + `,"selector":5}`, `{` + ends + `,"http_connections":"x"}`, `{` + ends + `,"http_connections":-1}`, `{` + ends + `,"worker_processes":1000}`,
		`{` + ends + `,"query_params":5}`, `{` + ends + `,"create_target":"x"}`, `{` + ends + `,"create_target_params":5}`,
		`{` + ends + `,"doc_ids":["a"],"selector":{}}`, `{` + ends + `,"doc_ids":["a"],"filter":"a/b"}`,
		`{` + ends + `,"proxy":"http://p","source_proxy":"http://q"}`, `{` + ends + `,"proxy":"ftp://p"}`,
	} {
		if _, err := replication.ParseSpec([]byte(text)); !errors.Is(err, &replication.Error{Kind: replication.Invalid}) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// Nothing that prints an endpoint shows a secret.
func TestEndpointsPrintWithoutCredentials(t *testing.T) {
	spec, err := replication.ParseSpec([]byte(`{"source":"https://user:s3cret@a:6984/x","proxy":"http://user:s3cret@p:1",
		"target":{"url":"http://b/y","headers":{"Authorization":"Basic dXNlcjpzM2NyZXQ="}}}`))
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
		spec, err := replication.ParseSpec([]byte(text))
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
