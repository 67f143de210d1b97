package courier_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/courier"
)

// seen is what a server has got of a delivery.
type seen struct {
	Line        string // method and path, as they came
	User        string // name:password
	ContentType string
	Length      int64 // as the head says
	Body        string
}

// serve returns a server that gives one answer, and what it sees.
func serve(t *testing.T, status int, answer string) (url string, got *seen) {
	t.Helper()
	got = new(seen)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*got = seen{Line: r.Method + " " + r.RequestURI, ContentType: r.Header.Get("Content-Type"), Length: r.ContentLength, Body: string(body)}
		if name, password, ok := r.BasicAuth(); ok {
			got.User = name + ":" + password
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func newCourier(t *testing.T, url string) *courier.Courier {
	t.Helper()
	c, err := courier.New(url, "postman", "pass")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parcel(content string) courier.Parcel {
	return courier.Parcel{Database: "db", ID: "1", ContentType: "text/plain", Content: strings.NewReader(content), Length: int64(len(content))}
}

const taken = `{"ok":true,"id":"doc","rev":"1-a"}`

func TestRequest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*courier.Parcel)
		want   seen
	}{
		{"plain", func(p *courier.Parcel) {}, seen{"PUT /db/_delivery/1", "postman:pass", "text/plain", 7, "content"}},
		{"names to be escaped", func(p *courier.Parcel) { p.Database, p.ID = "a/b", "<1@x/y> %?" },
			seen{"PUT /a%2Fb/_delivery/%3C1@x%2Fy%3E%20%25%3F", "postman:pass", "text/plain", 7, "content"}},
		{"an unknown length", func(p *courier.Parcel) { p.Length = -1 }, seen{"PUT /db/_delivery/1", "postman:pass", "text/plain", -1, "content"}},
		{"no content", func(p *courier.Parcel) { p.Content, p.Length = strings.NewReader(""), 0 }, seen{"PUT /db/_delivery/1", "postman:pass", "text/plain", 0, ""}},
	} {
		url, got := serve(t, http.StatusCreated, taken)
		p := parcel("content")
		tt.change(&p)
		if _, err := newCourier(t, url).Deliver(t.Context(), p); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// part is one part of a multipart body.
type part struct{ ContentType, Body string }

func TestMetadata(t *testing.T) {
	for _, known := range []bool{true, false} {
		url, got := serve(t, http.StatusCreated, taken)
		p := parcel("content")
		p.Metadata, p.ContentType = map[string]string{"from": "<ada>"}, "text/plain\r\nX: y"
		if !known {
			p.Length = -1
		}
		if _, err := newCourier(t, url).Deliver(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if (got.Length == int64(len(got.Body))) != known {
			t.Errorf("%d bytes are announced, and %d came", got.Length, len(got.Body))
		}
		kind, params, err := mime.ParseMediaType(got.ContentType)
		if err != nil || kind != "multipart/related" {
			t.Fatalf("%s, %v", got.ContentType, err)
		}
		var parts []part
		for r := multipart.NewReader(strings.NewReader(got.Body), params["boundary"]); ; {
			next, err := r.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(next)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part{next.Header.Get("Content-Type"), string(body)})
		}
		want := []part{{"application/json", `{"from":"<ada>"}` + "\n"}, {"text/plainX: y", "content"}}
		if diff := cmp.Diff(want, parts); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		answer  string
		want    courier.Receipt
		refusal *courier.Refusal // nil: another error, where there is no receipt
	}{
		{"new", 201, taken, courier.Receipt{ID: "doc", Rev: "1-a", New: true}, nil},
		{"there before", 200, taken, courier.Receipt{ID: "doc", Rev: "1-a"}, nil},
		{"refused", 409, `{"error":"conflict","reason":"Other content."}`, courier.Receipt{}, &courier.Refusal{Status: 409, Name: "conflict", Reason: "Other content."}},
		{"a page of a proxy", 502, "<html>Bad gateway</html>", courier.Receipt{}, &courier.Refusal{Status: 502}},
		{"a status of a proxy's own", 503, `{"status":201,"Status":"x","error":"busy"}`, courier.Receipt{}, &courier.Refusal{Status: 503, Name: "busy"}},
		{"elsewhere", 307, taken, courier.Receipt{}, &courier.Refusal{Status: 307}},
		{"accepted for later", 202, taken, courier.Receipt{}, &courier.Refusal{Status: 202}},
		{"no document", 201, `{"ok":true}`, courier.Receipt{}, nil},
		{"no JSON", 200, `welcome`, courier.Receipt{}, nil},
		{"too long", 201, `{"id":"` + strings.Repeat("x", 1<<17) + `"}`, courier.Receipt{}, nil},
	} {
		url, _ := serve(t, tt.status, tt.answer)
		got, err := newCourier(t, url).Deliver(t.Context(), parcel("content"))
		if got != tt.want || (err == nil) != (tt.want.ID != "") {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
		refusal, _ := errors.AsType[*courier.Refusal](err)
		if diff := cmp.Diff(tt.refusal, refusal); diff != "" {
			t.Errorf("%s: refusal (-want +got):\n%s", tt.name, diff)
		}
		if refusal != nil && !strings.Contains(err.Error(), refusal.Reason) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// After these nobody knows whether the server has the parcel.
func TestNoAnswer(t *testing.T) {
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	broken := errors.New("the content breaks off")
	there, _ := serve(t, http.StatusCreated, taken)
	for _, tt := range []struct {
		name, url string
		change    func(*courier.Parcel)
		want      error
	}{
		{"a connection that is cut", cut.URL, func(*courier.Parcel) {}, nil},
		{"no server", gone.URL, func(*courier.Parcel) {}, nil},
		{"a content that breaks off", cut.URL, func(p *courier.Parcel) { p.Content = io.MultiReader(p.Content, failing{broken}); p.Length++ }, broken},
		{"metadata that is no JSON", there, func(p *courier.Parcel) { p.Metadata = func() {} }, nil},
		{"a content type that is none", there, func(p *courier.Parcel) { p.ContentType = "a\r\nb: c" }, nil},
	} {
		p := parcel("content")
		tt.change(&p)
		_, err := newCourier(t, tt.url).Deliver(t.Context(), p)
		if _, refused := errors.AsType[*courier.Refusal](err); err == nil || refused || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		server, name, password string
		want                   string // who delivers; empty: nobody
		bad                    bool
	}{
		{server: ""},
		{server: "", name: "a", password: "secret", want: "a:secret"},
		{server: "/", name: "a", want: "a:"},
		{server: "//"},
		{server: "?x=y", bad: true},
		{server: "#x", bad: true},
	} {
		url, got := serve(t, http.StatusCreated, taken)
		c, err := courier.New(url+tt.server, tt.name, tt.password)
		if (err != nil) != tt.bad {
			t.Errorf("%s: %v", tt.server, err)
		}
		if err != nil {
			continue
		}
		if _, err := c.Deliver(t.Context(), parcel("x")); err != nil || got.Line != "PUT /db/_delivery/1" || got.User != tt.want {
			t.Errorf("%s: %s by %q, %v", tt.server, got.Line, got.User, err)
		}
	}
}

func TestPasswordInURL(t *testing.T) {
	for _, tt := range []struct{ name, password, want string }{
		{"", "", "ida:s/x"}, {"postman", "pass", "postman:pass"},
	} {
		url, got := serve(t, http.StatusCreated, taken)
		c, err := courier.New(strings.Replace(url, "://", "://ida:s%2Fx@", 1), tt.name, tt.password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Deliver(t.Context(), parcel("x")); err != nil || got.User != tt.want {
			t.Errorf("%q: delivered by %q, %v", tt.name, got.User, err)
		}
	}
	for _, server := range []string{"ftp://ida:planted@h", "http://ida:planted@", "http://ida:planted@h/%zz", "http://ida:planted@h:port"} {
		if _, err := courier.New(server, "", ""); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", server, err)
		}
	}
}
