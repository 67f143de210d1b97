package changes_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func recorded(method, target string) (*httptest.ResponseRecorder, *http.Request) {
	return httptest.NewRecorder(), httptest.NewRequest(method, target, nil)
}

func TestRefused(t *testing.T) {
	s := newSource("a")
	c := newClient(t, s)
	tests := []struct {
		query, body string
		status      int
		reason      string
	}{
		{"feed=nonsense", "", 400, "Supported `feed` types"},
		{"feed=", "", 400, "Supported `feed` types"},
		{"since=abc", "", 400, "Malformed sequence"},
		{"since=", "", 400, "Malformed sequence"},
		{"since=1", "", 400, "Malformed sequence"},
		{"since=-1", "", 400, "Malformed sequence"},
		{"since=1-abc", "", 400, "Malformed sequence"},
		{"feed=continuous&since=abc", "", 400, "Malformed sequence"},
		{"limit=abc", "", 400, "limit"},
		{"limit=", "", 400, "limit"},
		{"style=x", "", 400, "style"},
		{"timeout=abc", "", 400, "timeout"},
		{"heartbeat=abc", "", 400, "Invalid heartbeat"},
		{"heartbeat=false", "", 400, "Invalid heartbeat"},
		{"heartbeat=0", "", 400, "should be a positive"},
		{"heartbeat=-1", "", 400, "should be a positive"},
		{"seq_interval=0", "", 400, "invalid_seq_interval"},
		{"seq_interval=abc", "", 400, "invalid_seq_interval"},
		{"filter=nonsense", "", 400, "designname/filtername"},
		{"filter=a/b/c", "", 400, "designname/filtername"},
		{"filter=/x", "", 400, "designname/filtername"},
		{"filter=//none//none/", "", 404, "missing"},
		{"filter=_view&view=/none/none/", "", 404, "missing"},
		{"filter=_view&view=/", "", 400, "designname/viewname"},
		{"filter=a/", "", 400, "designname/filtername"},
		{"filter=_nonsense", "", 400, "unknown builtin filter name"},
		{"filter=_design/f/x", "", 400, "unknown builtin filter name"},
		{"filter=none/none", "", 404, "missing"},
		{"filter=_view", "", 400, "`view` filter parameter"},
		{"filter=_view&view=none/none", "", 404, "missing"},
		{"filter=_view&view=none", "", 400, "view"},
		{"filter=_selector", "", 400, "POST payload"},
		{"filter=_selector", "{}", 400, "Selector error"},
		{"filter=_selector", `{"selector":"x"}`, 400, "Selector error"},
		{"filter=_selector", `{"selector":{"$and":[{"n":{"$nonsense":1}}]}}`, 400, "Invalid operator: $nonsense"},
		{"filter=_selector", `{"selector":{"n":{"$in":"x"}}}`, 400, "Bad argument for operator $in: <<120>>"},
		{"filter=_selector", `{"selector":{"a..b":1}}`, 400, "Invalid field name: a..b"},
		{"filter=_selector", `{"selector":{},"fields":"n"}`, 400, "fields must be JSON array"},
		{"filter=_selector", `{"selector":{},"fields":null}`, 400, "fields must be JSON array"},
		{"filter=_selector", `{"selector":{},"fields":["n",5]}`, 400, "Invalid JSON for field spec: 5"},
		{"filter=_doc_ids", "", 400, "doc_ids"},
		{"filter=_doc_ids", "{}", 400, "doc_ids"},
		{"filter=_doc_ids", `{"doc_ids":"a"}`, 400, "doc_ids"},
		{"filter=_doc_ids", `{"doc_ids":["a",5]}`, 400, "doc_ids"},
		{"filter=_doc_ids&doc_ids=a", "", 400, "invalid UTF-8 JSON"},
		{"filter=_doc_ids&doc_ids=%22a%22", "", 400, "doc_ids"},
		{"filter=_doc_ids&doc_ids=%5B%5Dx", "", 400, "invalid UTF-8 JSON"},
		{"", `["a"]`, 400, "JSON object"},
		{"", `{"a":`, 400, "invalid UTF-8 JSON"},
		{"", `{} x`, 400, "invalid UTF-8 JSON"},
	}
	for _, tt := range tests {
		a := c.get(tt.query)
		if tt.body != "" {
			a = c.get(tt.query, tt.body)
		}
		<-a.done
		if a.Code != tt.status || !strings.Contains(a.Body.String(), tt.reason) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.query, tt.body, a.Code, a.Body, tt.status, tt.reason)
		}
	}
}

func TestContentType(t *testing.T) {
	c := newClient(t, newSource())
	rec, req := recorded("POST", "/alpha/_changes")
	c.handler.ServeHTTP(rec, req)
	if rec.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d", rec.Code)
	}
}

// Only an eventsource goes on from where the header says.
func TestLastEventID(t *testing.T) {
	s := newSource("a", "b")
	c := newClient(t, s)
	for feed, want := range map[string]int{"eventsource": 1, "normal": 2} {
		rec, req := recorded("GET", "/alpha/_changes?timeout=0&since=0&feed="+feed)
		req.Header.Set("Last-Event-ID", `"`+s.FormatSeq(1)+`"`)
		c.handler.ServeHTTP(rec, req)
		if n := strings.Count(rec.Body.String(), `{"seq":`); n != want {
			t.Errorf("%s: %d rows, want %d", feed, n, want)
		}
	}
}
