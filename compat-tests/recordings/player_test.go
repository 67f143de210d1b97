package recordings_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"settle/compat-tests/recordings"

	"github.com/google/go-cmp/cmp"
)

// scenario reads one written as JSON.
func scenario(t *testing.T, exchanges string) *recordings.Scenario {
	t.Helper()
	text := `{"name":"s","databases":[],"absent":[],"exchanges":[` + exchanges + `]}`
	all, err := recordings.Load(fstest.MapFS{"d/s.json": {Data: []byte(text)}}, "d")
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func play(t *testing.T, address string, s *recordings.Scenario) []*recordings.Answer {
	t.Helper()
	player, err := recordings.NewPlayer("http://admin:pass@" + strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := player.Play(s)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// wire accepts connections and answers each with the given text; it returns
// its address and what was sent, without the Host header.
func wire(t *testing.T, reply string) (string, <-chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	sent := make(chan string, 16)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			sent <- readRequest(conn)
			_, _ = io.WriteString(conn, reply)
			conn.Close()
		}
	}()
	return ln.Addr().String(), sent
}

// readRequest reads the head and a body of the length that it names, or up to
// the end of a chunked one.
func readRequest(conn net.Conn) string {
	in := bufio.NewReader(conn)
	var out strings.Builder
	length := 0
	chunked := false
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == "\r\n" {
			break
		}
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &length); err != nil {
			chunked = chunked || strings.HasPrefix(line, "Transfer-Encoding: chunked")
		}
		if !strings.HasPrefix(line, "Host: ") {
			out.WriteString(line)
		}
	}
	out.WriteString("\r\n")
	if chunked {
		for !strings.HasSuffix(out.String(), "0\r\n\r\n") {
			b, err := in.ReadByte()
			if err != nil {
				break
			}
			out.WriteByte(b)
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return err.Error()
	}
	return out.String() + string(body)
}

func TestRequestsOnTheWire(t *testing.T) {
	const admin = "Authorization: Basic YWRtaW46cGFzcw==\r\n"
	tests := []struct{ name, request, want string }{
		{"path as it is", `"method":"GET","path":"//a/../%2f%C3%BC/?q=a%20b"`,
			"GET //a/../%2f%C3%BC/?q=a%20b HTTP/1.1\r\nAccept: application/json\r\n" + admin + "\r\n"},
		{"json in order", `"method":"PUT","path":"/","json":{"b":1.0,"a":["<ü\u0001\n\"\u2028",null,true,{}]},"auth":"u:p"`,
			"PUT / HTTP/1.1\r\nAccept: application/json\r\nAuthorization: Basic dTpw\r\nContent-Length: 47\r\nContent-Type: application/json\r\n\r\n" +
				`{"b":1.0,"a":["<ü\u0001\n\"` + "\u2028" + `",null,true,{}]}`},
		{"no body", `"method":"POST","path":"/x","auth":"anonymous"`,
			"POST /x HTTP/1.1\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n"},
		{"delete without length", `"method":"DELETE","path":"/x","auth":"anonymous"`,
			"DELETE /x HTTP/1.1\r\nAccept: application/json\r\n\r\n"},
		{"headers left out and replaced", `"method":"PUT","path":"/x","headers":{"accept":null,"content-type":"a/b","Cookie":"c"},"text":"ü"`,
			"PUT /x HTTP/1.1\r\nContent-Length: 2\r\nCookie: c\r\ncontent-type: a/b\r\n\r\nü"},
		{"own authorization", `"method":"GET","path":"/x","headers":{"Authorization":"Bearer t"}`,
			"GET /x HTTP/1.1\r\nAccept: application/json\r\nAuthorization: Bearer t\r\n\r\n"},
		{"chunked by itself", `"method":"PUT","path":"/x","auth":"anonymous","headers":{"Transfer-Encoding":"chunked"},"text":"1\r\na\r\n0\r\n\r\n"`,
			"PUT /x HTTP/1.1\r\nAccept: application/json\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
		{"base64", `"method":"PUT","path":"/x","auth":"anonymous","base64":"AP8="`,
			"PUT /x HTTP/1.1\r\nAccept: application/json\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n\x00\xff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, sent := wire(t, "HTTP/1.1 204 No Content\r\n\r\n")
			play(t, address, scenario(t, `{"request":{`+tt.request+`}}`))
			if diff := cmp.Diff(tt.want, <-sent); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGzippedBody(t *testing.T) {
	address, sent := wire(t, "HTTP/1.1 204 No Content\r\n\r\n")
	play(t, address, scenario(t, `{"request":{"method":"PUT","path":"/","text":"x","gzip":true}}`))
	if got := <-sent; !strings.Contains(got, "\r\n\r\n\x1f\x8b") {
		t.Errorf("sent %q", got)
	}
}

func TestAnswerForms(t *testing.T) {
	tests := []struct {
		name, reply string
		raw         bool
		form        recordings.Form
		body        any
	}{
		{"empty", "\r\n", false, recordings.FormEmpty, true},
		{"json", "\r\n {\"a\": 1}\n", false, recordings.FormJSON, map[string]any{"a": json.Number("1")}},
		{"raw", "\r\n{\"a\": 1}\n", true, recordings.FormRaw, "{\"a\": 1}\n"},
		{"lines", "\r\n{}\n\n2\n", false, recordings.FormLines, []any{map[string]any{}, json.Number("2")}},
		{"only heartbeats", "\r\n\n\n", false, recordings.FormLines, []any{}},
		{"text", "\r\nhello", false, recordings.FormText, "hello"},
		{"not UTF-8", "\r\n\xff", false, recordings.FormBase64, "/w=="},
		{"not UTF-8 in JSON", "\r\n\"\xff\"", false, recordings.FormBase64, "Iv8i"},
		{"events", "Content-Type: text/event-stream\r\n\r\n\n\nevent: heartbeat\ndata: \n\ndata: {}\nid: \"1\"\n\n", false, recordings.FormEvents,
			[]any{map[string]any{"event": "heartbeat", "data": ""}, map[string]any{"data": "{}", "id": `"1"`}}},
		{"parts", "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: application/json\r\nX: y\r\n\r\n{}\r\n" +
			"--x\r\nContent-Type: multipart/related; boundary=\"z\"\r\n\r\n--z\r\nContent-Disposition: attachment; filename=\"\xc3\xbc\"\r\n\r\nhi\r\n--z--\r\n--x--", false,
			recordings.FormParts, []any{
				map[string]any{"headers": map[string]any{"content-type": "application/json"}, "json": map[string]any{}},
				map[string]any{"headers": map[string]any{"content-type": "multipart/related; boundary=*"}, "parts": []any{
					map[string]any{"headers": map[string]any{"content-disposition": "attachment; filename=\"ü\""}, "base64": "aGk="}}}}},
		{"parts without an end", "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n\r\n{}\r\n", false, recordings.FormText, "--x\r\n\r\n{}\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, _ := wire(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"+tt.reply)
			s := scenario(t, `{"request":{"method":"GET","path":"/"}}`)
			s.Exchanges[0].Raw = tt.raw
			a := play(t, address, s)[0]
			if a.Status != 200 || a.Form != tt.form {
				t.Errorf("status %d, form %s (%s)", a.Status, a.Form, a.Failure)
			}
			if diff := cmp.Diff(tt.body, a.Body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, reply := range []string{"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
		address, _ := wire(t, reply)
		a := play(t, address, scenario(t, `{"request":{"method":"GET","path":"/"}}`))[0]
		if a.Status != 0 || a.Failure == "" {
			t.Errorf("%q is an answer: %+v", reply, a)
		}
	}
}

func TestVariables(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.RequestURI+" "+r.Header.Get("If-Match")+" "+string(body))
		http.SetCookie(w, &http.Cookie{Name: "AuthSession", Value: "secret", Path: "/"})
		w.Header().Set("Location", "http://"+r.Host+"/db")
		fmt.Fprintf(w, `{"rows":[{"rev":"1-a"}],"n":5,"url":"http://%s/x"}`, r.Host)
	}))
	defer server.Close()
	answers := play(t, server.URL, scenario(t, `
		{"request":{"method":"GET","path":"/${r}"},"save":{"r":"rows/0/rev","n":"n","c":"cookie","none":"rows/7","whole":""}},
		{"request":{"method":"PUT","path":"/${r}/${n}/${none}","headers":{"If-Match":"${c}"},"json":{"${r}":"${server}","x":"${r}${r}"}}}`))
	want := []string{"/${r}  ", `/1-a/5/${none} AuthSession=secret {"1-a":"` + server.URL + `","x":"1-a1-a"}`}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if got := answers[0].Headers["set-cookie"]; got != "AuthSession=*; Path=/" {
		t.Errorf("cookie: %s", got)
	}
	if got := answers[0].Headers["location"]; got != "http://HOST/db" {
		t.Errorf("location: %s", got)
	}
	if got := answers[0].Body.(map[string]any)["url"]; got != "http://HOST/x" {
		t.Errorf("address in the body: %s", got)
	}
}

func TestBackgroundAndUntil(t *testing.T) {
	var polls atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			<-release
		case "/release":
			close(release)
		case "/poll":
			polls.Add(1)
		}
		fmt.Fprintf(w, `{"path":%q,"polls":%d}`, r.URL.Path, polls.Load())
	}))
	defer server.Close()
	answers := play(t, server.URL, scenario(t, `
		{"request":{"method":"GET","path":"/wait"},"background":"w"},
		{"request":{"method":"GET","path":"/release"}},
		{"await":"w","response":{"status":200,"headers":{},"json":0}},
		{"sleep":0.01},
		{"request":{"method":"GET","path":"/poll"},"until":["polls",3]}`))
	got := []any{answers[0], answers[1].Body, answers[2].Body, answers[3], answers[4].Body}
	pathOf := func(path string, n int) any {
		return map[string]any{"path": path, "polls": json.Number(fmt.Sprint(n))}
	}
	want := []any{(*recordings.Answer)(nil), pathOf("/release", 0), pathOf("/wait", 0), (*recordings.Answer)(nil), pathOf("/poll", 3)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUntilGivesUp(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	player, err := recordings.NewPlayer("http://admin:pass@" + strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	player.UntilLimit = func(int) time.Duration { return time.Millisecond }
	answers, err := player.Play(scenario(t, `{"request":{"method":"GET","path":"/"},"until":["a",1]}`))
	if err != nil || answers[0].Status != 404 {
		t.Errorf("%+v, %v", answers[0], err)
	}
}

func TestNewPlayerRefuses(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:5984", "http://127.0.0.1:5984", "https://a:b@localhost", "http://a:b@"} {
		if _, err := recordings.NewPlayer(address); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	good := `{"name":"a","exchanges":[{"sleep":1}]}`
	tests := map[string]fstest.MapFS{
		"no files":       {},
		"no JSON":        {"d/a.json": {Data: []byte(`{`)}},
		"unknown member": {"d/a.json": {Data: []byte(`{"name":"a","exchanges":[{"sleep":1,"again":2}]}`)}},
		"two kinds":      {"d/a.json": {Data: []byte(`{"name":"a","exchanges":[{"sleep":1,"await":"x"}]}`)}},
		"no kind":        {"d/a.json": {Data: []byte(`{"name":"a","exchanges":[{}]}`)}},
		"bad until":      {"d/a.json": {Data: []byte(`{"name":"a","exchanges":[{"request":{},"until":["a"]}]}`)}},
		"same name":      {"d/a.json": {Data: []byte(good)}, "d/b.json": {Data: []byte(good)}},
	}
	for name, fsys := range tests {
		if _, err := recordings.Load(fsys, "d"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTouchesServer(t *testing.T) {
	for path, want := range map[string]bool{"/_users/x": true, "//_all_dbs": true, "/alpha/_changes": false, "/alpha": false} {
		s := scenario(t, fmt.Sprintf(`{"request":{"method":"GET","path":%q}}`, path))
		if got := s.TouchesServer(); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
