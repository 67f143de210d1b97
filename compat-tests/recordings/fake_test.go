package recordings_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"settle/compat-tests/recordings"
)

// fakeServer answers a scenario's requests, in order, as they were recorded.
type fakeServer struct {
	t     *testing.T
	mu    sync.Mutex
	queue []fakeAnswer
	seen  []string // method, request target and body of each request
}

type fakeAnswer struct {
	method, path string // path: "" if it holds variables
	response     *recordings.Recorded
}

// startFake serves one play of the scenario and returns the address to give to NewPlayer.
func startFake(t *testing.T, s *recordings.Scenario) (*fakeServer, string) {
	t.Helper()
	f := &fakeServer{t: t}
	remove := func() {
		for _, db := range append(append([]string{}, s.Databases...), s.Absent...) {
			f.queue = append(f.queue, fakeAnswer{"DELETE", "/" + url.PathEscape(db), ok(200)})
		}
	}
	remove()
	for _, db := range s.Databases {
		f.queue = append(f.queue, fakeAnswer{"PUT", "/" + url.PathEscape(db), ok(201)})
	}
	awaited := map[string]*recordings.Recorded{}
	for _, e := range s.Exchanges {
		if e.Await != "" {
			awaited[e.Await] = e.Response
		}
	}
	for _, e := range s.Exchanges {
		if e.Request == nil {
			continue
		}
		a := fakeAnswer{e.Request.Method, e.Request.Path, e.Response}
		if e.Background != "" {
			a.response = awaited[e.Background]
		}
		if strings.Contains(a.path, "${") {
			a.path = ""
		}
		f.queue = append(f.queue, a)
	}
	remove()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, "http://admin:pass@" + strings.TrimPrefix(server.URL, "http://")
}

func ok(status int) *recordings.Recorded {
	return &recordings.Recorded{Status: status, Form: recordings.FormJSON, Body: map[string]any{"ok": true}}
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Method+" "+r.RequestURI+" "+string(body))
	if len(f.queue) == 0 {
		f.t.Errorf("%s %s: more requests than recorded", r.Method, r.RequestURI)
		return
	}
	next := f.queue[0]
	f.queue = f.queue[1:]
	if r.Method != next.method || next.path != "" && r.RequestURI != next.path {
		f.t.Errorf("got %s %s, recorded %s %s", r.Method, r.RequestURI, next.method, next.path)
	}
	answer(f.t, w, r.Host, next.response)
}

// answer writes a recorded answer as a server would have sent it.
func answer(t *testing.T, w http.ResponseWriter, host string, want *recordings.Recorded) {
	delimiter, body := "", []byte(nil)
	switch want.Form {
	case recordings.FormParts:
		delimiter, body = writeParts(t, want.Body.([]any))
	case recordings.FormBase64:
		body = unbase64(t, want.Body.(string))
	case recordings.FormText, recordings.FormRaw:
		body = []byte(want.Body.(string))
	case recordings.FormJSON:
		body = encode(t, want.Body)
	case recordings.FormLines:
		for _, line := range want.Body.([]any) {
			body = append(append(body, encode(t, line)...), '\n')
		}
	case recordings.FormEvents:
		body = writeEvents(want.Body.([]any))
	}
	for name, value := range want.Headers {
		value = strings.ReplaceAll(value, "boundary=*", `boundary="`+delimiter+`"`)
		w.Header().Set(name, strings.ReplaceAll(value, "http://HOST", "http://"+host))
	}
	w.WriteHeader(want.Status)
	if len(body) > 0 {
		_, _ = w.Write(bytes.ReplaceAll(body, []byte("http://HOST"), []byte("http://"+host)))
	}
}

func writeEvents(events []any) []byte {
	out := []byte("\n\n")
	for _, e := range events {
		for field, value := range e.(map[string]any) {
			out = fmt.Appendf(out, "%s: %s\n", field, value)
		}
		out = append(out, '\n')
	}
	return out
}

func writeParts(t *testing.T, parts []any) (delimiter string, body []byte) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, p := range parts {
		part := p.(map[string]any)
		header := textproto.MIMEHeader{}
		for name, value := range part["headers"].(map[string]any) {
			header.Set(name, value.(string))
		}
		var data []byte
		switch {
		case part["parts"] != nil:
			inner, nested := writeParts(t, part["parts"].([]any))
			header.Set("Content-Type", strings.ReplaceAll(header.Get("Content-Type"), "boundary=*", `boundary="`+inner+`"`))
			data = nested
		case part["json"] != nil:
			data = encode(t, part["json"])
		default:
			data = unbase64(t, part["base64"].(string))
		}
		pw, err := w.CreatePart(header)
		if err == nil {
			_, err = pw.Write(data)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return w.Boundary(), out.Bytes()
}

func encode(t *testing.T, v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Error(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func unbase64(t *testing.T, s string) []byte {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Error(err)
	}
	return data
}

// playFake plays the scenario, without its pauses, against its own recording.
// Request targets that net/http refuses before its handler sees them are left out.
func playFake(t *testing.T, s *recordings.Scenario) (*fakeServer, []*recordings.Answer) {
	t.Helper()
	s.Exchanges = slices.DeleteFunc(s.Exchanges, func(e recordings.Exchange) bool {
		if e.Request == nil {
			return false
		}
		_, err := url.PathUnescape(e.Request.Path)
		return err != nil
	})
	for i := range s.Exchanges {
		if e := &s.Exchanges[i]; e.Sleep > 0 {
			e.Sleep = 1e-9
		}
	}
	fake, address := startFake(t, s)
	player, err := recordings.NewPlayer(address)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := player.Play(s)
	if err != nil {
		t.Fatal(err)
	}
	return fake, answers
}

func noLists(t *testing.T) *recordings.Lists {
	t.Helper()
	lists, err := recordings.NewLists(nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return lists
}

// TestRecordedAnswersPass plays every scenario against a server that answers
// what was recorded; then each answer is spoilt in several ways, and each time
// the comparison must notice.
func TestRecordedAnswersPass(t *testing.T) {
	for _, s := range loadScenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			fake, answers := playFake(t, s)
			for _, v := range noLists(t).Judge(s, answers) {
				if v.Outcome != recordings.Passed {
					t.Errorf("[%d] %s: %v", v.Exchange, s.Exchanges[v.Exchange].Title(), v.Differences)
				}
			}
			if len(fake.queue) != 0 {
				t.Errorf("%d recorded requests were not sent", len(fake.queue))
			}
			for i, a := range answers {
				if a != nil {
					spoil(t, i, &s.Exchanges[i], a)
				}
			}
		})
	}
}

func spoil(t *testing.T, number int, e *recordings.Exchange, a *recordings.Answer) {
	t.Helper()
	for what, spoilt := range spoilt(e.Response, e.Volatile, a) {
		if found := recordings.Compare(spoilt, e.Response, e.Volatile); len(found) == 0 {
			t.Errorf("[%d] %s: with %s it still passes", number, e.Title(), what)
		}
	}
}

func spoilt(want *recordings.Recorded, volatile []string, a *recordings.Answer) map[string]*recordings.Answer {
	variants := map[string]*recordings.Answer{}
	vary := func(what string, change func(*recordings.Answer)) {
		b := *a
		b.Headers = maps.Clone(a.Headers)
		change(&b)
		variants[what] = &b
	}
	vary("no answer", func(b *recordings.Answer) { *b = recordings.Answer{} })
	vary("another status", func(b *recordings.Answer) { b.Status = 299 })
	if want.Status >= 500 {
		return variants
	}
	isVolatile := map[string]bool{}
	for _, v := range volatile {
		isVolatile[v] = true
	}
	for name := range want.Headers {
		if !isVolatile["headers/"+name] {
			vary("no header "+name, func(b *recordings.Answer) { delete(b.Headers, name) })
		}
	}
	vary("another form", func(b *recordings.Answer) { b.Form, b.Body = "other", "other" })
	if isVolatile[string(want.Form)] {
		return variants
	}
	switch body := a.Body.(type) {
	case map[string]any:
		more := maps.Clone(body)
		more["surplus"] = true
		vary("a surplus member", func(b *recordings.Answer) { b.Body = more })
	case []any:
		vary("a surplus item", func(b *recordings.Answer) { b.Body = append(append([]any{}, body...), "surplus") })
	case string:
		vary("other text", func(b *recordings.Answer) { b.Body = body + "x" })
	}
	return variants
}
