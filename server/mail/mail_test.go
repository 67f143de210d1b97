package mail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"settle/server/courier"
	"settle/server/mail"
)

// store is a server that takes deliveries, or answers as it is told to.
type store struct {
	mu     sync.Mutex
	refuse map[string]courier.Refusal // by database; none: takes what comes
	taken  map[string]string          // "database id": content
	about  map[string]mail.About
	log    bytes.Buffer
}

// ServeHTTP takes a delivery.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body := multipart.NewReader(r.Body, params["boundary"])
	first, err := body.NextPart()
	if err != nil {
		w.WriteHeader(400)
		return
	}
	var about mail.About
	err = json.NewDecoder(first).Decode(&about)
	second, partErr := body.NextPart()
	if err != nil || partErr != nil {
		w.WriteHeader(400)
		return
	}
	content, err := io.ReadAll(second)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch refusal, refused := s.refuse[parts[0]]; {
	case err != nil || len(parts) != 3 || parts[1] != "_delivery":
		w.WriteHeader(400)
	case refused:
		w.WriteHeader(refusal.Status)
		json.NewEncoder(w).Encode(refusal)
	default:
		key := parts[0] + " " + parts[2]
		if _, again := s.taken[key]; !again {
			w.WriteHeader(201)
		}
		s.taken[key], s.about[parts[0]] = string(content), about
		fmt.Fprint(w, `{"ok":true,"id":"doc","rev":"1-x"}`)
	}
}

// agent is a mail transfer agent with a server to deliver to.
type agent struct {
	t      *testing.T
	store  *store
	o      mail.Options
	addr   string
	server *mail.Server
}

func newAgent(t *testing.T) *agent {
	t.Helper()
	a := &agent{t: t, store: &store{refuse: map[string]courier.Refusal{}, taken: map[string]string{}, about: map[string]mail.About{}}}
	backend := httptest.NewServer(a.store)
	t.Cleanup(backend.Close)
	mapping := filepath.Join(t.TempDir(), "recipients")
	if err := os.WriteFile(mapping, []byte("# databases\nada@example.org ada\n@example.org box-{local}\n@other.example userdb-{hex}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := courier.New(backend.URL, "postman", "pass")
	if err != nil {
		t.Fatal(err)
	}
	a.o = mail.Options{Courier: to, Secret: mail.NewSecret(), Hostname: "here", MaxSize: 8 << 20, SpoolDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&a.store.log, nil))}
	if a.o.Mapping, err = mail.OpenMapping(mapping); err != nil {
		t.Fatal(err)
	}
	a.start()
	t.Cleanup(func() { a.stop() })
	return a
}

func (a *agent) start() {
	a.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.t.Fatal(err)
	}
	a.addr, a.server = listener.Addr().String(), mail.New(a.o)
	go a.server.Serve(listener)
}

func (a *agent) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a.server.Shutdown(ctx)
}

// send sends a message, and returns the code of the answer for each recipient.
func (a *agent) send(message string, to ...string) map[string]int {
	a.t.Helper()
	conn, err := net.Dial("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close()
	client := smtp.NewClientLMTP(conn)
	codes := map[string]int{}
	if err := errors.Join(client.Hello("agent"), client.Mail("sender@example.com", nil)); err != nil {
		a.t.Fatal(err)
	}
	accepted := 0
	for _, rcpt := range to {
		if err := client.Rcpt(rcpt, nil); err != nil {
			codes[rcpt] = code(err)
			continue
		}
		codes[rcpt] = 250
		accepted++
	}
	if accepted == 0 {
		return codes
	}
	data, err := client.Data()
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := io.WriteString(data, message); err != nil {
		a.t.Fatal(err)
	}
	_, err = data.CloseWithLMTPResponse()
	var refused smtp.LMTPDataError
	if errors.As(err, &refused) {
		for rcpt, err := range refused {
			codes[rcpt] = err.Code
		}
	} else if err != nil {
		a.t.Fatal(err)
	}
	return codes
}

func code(err error) int {
	var answer *smtp.SMTPError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

const message = "From: =?utf-8?q?Ad=C3=A4?= <ada@example.com>\r\nTo: b@example.org, c@example.org\r\nSubject: =?iso-8859-1?q?gr=FC=DFe?=\r\n" +
	"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nplanted text\r\n.leading dot\r\n--b\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment; filename=\"a b.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n"

func TestMail(t *testing.T) {
	a := newAgent(t)
	for range 2 {
		codes := a.send(message, "ada@example.org", "Bob+news@Example.org", "x@other.example", "nobody@elsewhere.example")
		want := map[string]int{"ada@example.org": 250, "Bob+news@Example.org": 250, "x@other.example": 250, "nobody@elsewhere.example": 550}
		if diff := cmp.Diff(want, codes); diff != "" {
			t.Fatal(diff)
		}
	}
	if len(a.store.taken) != 3 {
		t.Errorf("%d deliveries", len(a.store.taken))
	}
	for key, content := range a.store.taken {
		if content != message {
			t.Errorf("%s: %q", key, content)
		}
	}
	want := mail.About{
		From: "Adä <ada@example.com>", To: []string{"b@example.org", "c@example.org"}, Subject: "grüße", Date: "2026-03-02T09:00:00Z",
		MessageID: "1@example.com", Size: int64(len(message)), Attachments: []string{"a b.png"},
	}
	for _, database := range []string{"ada", "box-bob", "userdb-78"} {
		if diff := cmp.Diff(want, a.store.about[database]); diff != "" {
			t.Errorf("%s: %s", database, diff)
		}
	}
}

func TestCodes(t *testing.T) {
	for _, tt := range []struct {
		status int
		name   string // of the error; "": a proxy answers
		want   int
	}{
		{400, "bad_request", 554}, {401, "unauthorized", 451}, {403, "forbidden", 451}, {404, "not_found", 550},
		{409, "conflict", 250}, {409, "already_delivered", 250}, {412, "no_recipients", 451},
		{413, "too_large", 552}, {413, "attachment_too_large", 552}, {500, "internal_server_error", 451},
		{503, "service_unavailable", 451}, {507, "insufficient_storage", 452},
		{307, "", 451}, {400, "", 451}, {404, "", 451}, {409, "", 451}, {413, "", 451}, {502, "", 451}, {507, "", 451},
	} {
		a := newAgent(t)
		a.store.refuse["box-b"] = courier.Refusal{Status: tt.status, Name: tt.name, Reason: "The database's quota is used up."}
		got := a.send(message, "ada@example.org", "b@example.org")
		if diff := cmp.Diff(map[string]int{"ada@example.org": 250, "b@example.org": tt.want}, got); diff != "" {
			t.Errorf("%d %q: %s", tt.status, tt.name, diff)
		}
		if log := a.store.log.String(); strings.Contains(log, "planted") || strings.Contains(log, "pass") {
			t.Errorf("the log tells: %s", log)
		}
	}
	a := newAgent(t)
	a.o.RefuseOverQuota = true
	a.stop()
	a.start()
	for reason, want := range map[string]int{"The database's quota is used up.": 552, "database_dir is too full": 451} {
		a.store.refuse["box-b"] = courier.Refusal{Status: 507, Name: "insufficient_storage", Reason: reason}
		if got := a.send(message, "b@example.org"); got["b@example.org"] != want {
			t.Errorf("%s %v", reason, got)
		}
	}
	if got := a.send(strings.Repeat("a line of a message\r\n", 500_000), "ada@example.org"); got["ada@example.org"] != 552 {
		t.Errorf("too large: %v", got)
	}
	if len(a.store.taken) != 0 {
		t.Errorf("%d deliveries", len(a.store.taken))
	}
}

// A long message goes through a file that shows nothing and goes away; the same with
// another server in between is the same delivery.
func TestLongMessages(t *testing.T) {
	a := newAgent(t)
	for _, size := range []int{256<<10 - len(message), 256<<10 + 1, 5 << 16, 5<<16 + 1, 3 << 20} {
		long := message + strings.Repeat("planted line\r\n", size/14) + "\r\n"
		for range 2 {
			if got := a.send(long, "ada@example.org"); got["ada@example.org"] != 250 {
				t.Fatalf("%v", got)
			}
			a.stop()
			a.start()
		}
		found := 0
		for _, content := range a.store.taken {
			if content == long {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d bytes: there %d times", size, found)
		}
	}
	if left, err := os.ReadDir(a.o.SpoolDir); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
}

// What breaks off before its end is not delivered.
func TestBrokenConnections(t *testing.T) {
	a := newAgent(t)
	for _, rest := range []string{
		"DATA\r\n" + strings.Repeat("text\r\n", 2), "DATA\r\n" + strings.Repeat("text\r\n", 50_000),
		"BDAT 8\r\ntext\r\n", "BDAT 6\r\ntext\r\nBDAT 8\r\ntext", "BDAT 8 LAST\r\ntext",
		"BDAT 400000 LAST\r\n" + strings.Repeat("text\r\n", 50_000),
	} {
		a.converse(rest)
	}
	a.stop()
	if len(a.store.taken) != 0 {
		t.Errorf("%d deliveries", len(a.store.taken))
	}
}

// An agent that ends behind a whole message, and says no more, has delivered it.
func TestEndedBehindTheMessage(t *testing.T) {
	a := newAgent(t)
	for _, rest := range []string{"DATA\r\none\r\n.\r\n", "BDAT 3\r\ntwoBDAT 5 LAST\r\nthree", "BDAT 4 LAST\r\nfourQUIT\r\n"} {
		a.converse(rest)
	}
	a.stop()
	if len(a.store.taken) != 3 {
		t.Errorf("%d deliveries", len(a.store.taken))
	}
}

// converse sends what follows a recipient, ends its side of the connection, and waits
// until the server has ended its own.
func (a *agent) converse(rest string) {
	a.t.Helper()
	c, err := net.Dial("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "LHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ada@example.org>\r\n%s", rest)
	c.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, c)
}

// Without a server to deliver to the agent keeps the message.
func TestStoreIsDown(t *testing.T) {
	a := newAgent(t)
	a.o.Courier, _ = courier.New("http://127.0.0.1:1", "", "")
	a.stop()
	a.start()
	if got := a.send(message, "ada@example.org"); got["ada@example.org"] != 451 {
		t.Errorf("%v", got)
	}
}

// While the mapping cannot be read nobody is told that an address does not exist.
func TestMappingIsBroken(t *testing.T) {
	a := newAgent(t)
	a.o.Mapping = a.breakMapping()
	a.stop()
	a.start()
	want := map[string]int{"ada@example.org": 250, "new@example.org": 451}
	if diff := cmp.Diff(want, a.send(message, "ada@example.org", "new@example.org")); diff != "" {
		t.Error(diff)
	}
}

// breakMapping returns a mapping that knows ada, of a file that has become nonsense.
func (a *agent) breakMapping() *mail.Mapping {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "recipients")
	if err := os.WriteFile(path, []byte("ada@example.org ada"), 0o600); err != nil {
		a.t.Fatal(err)
	}
	m, err := mail.OpenMapping(path)
	if err == nil {
		err = os.WriteFile(path, []byte("nonsense"), 0o600)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

func TestMapping(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recipients")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"ada@example.org", "ada db", "a@b x y", "a@b DB!", "@ {nothing}"} {
		write(bad)
		if _, err := mail.OpenMapping(path); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	write("a+b@x one\na@x two\n@x {local}-{domain}\n@ rest")
	m, err := mail.OpenMapping(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(want map[string]string) {
		t.Helper()
		for address, database := range want {
			if got, ok, err := m.Find(address); got != database && ok || ok != (database != "") || err != nil {
				t.Errorf("%s: %q %v %v", address, got, ok, err)
			}
		}
	}
	check(map[string]string{"A+B@X": "one", "a@x": "two", "a+c@x": "two", "c+d@x": "c-x", "c@y": "rest", "c": "", "@x": "", "": "", "ä@x": ""})
	write("@x changed-now")
	check(map[string]string{"a@x": "changed-now", "c@y": ""})
	write("nonsense")
	if database, ok, err := m.Find("a@x"); database != "changed-now" || !ok || err == nil {
		t.Errorf("%q %v %v", database, ok, err)
	}
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	first, err := mail.OpenSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mail.OpenSecret(path)
	if err != nil || first != again {
		t.Errorf("another secret, %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", first, first, first); text != "[redacted] [redacted] [redacted]" {
		t.Error(text)
	}
	os.WriteFile(path, []byte("short"), 0o600)
	if _, err := mail.OpenSecret(path); err == nil {
		t.Error("a broken secret is taken")
	}
}

func FuzzReadAbout(f *testing.F) {
	for _, text := range []string{message, "", "\r\n", "From: x", "From: <\r\nTo: a, , b\r\nDate: never\r\n\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "Subject: =?x?q?y?=\r\n\r\n\xff"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		about := mail.ReadAbout(bytes.NewReader(text), int64(len(text)))
		encoded, err := json.Marshal(about)
		if err != nil {
			t.Fatal(err)
		}
		var back mail.About
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(about, back); diff != "" {
			t.Errorf("it is no UTF-8: %s", diff)
		}
		var plain bytes.Buffer
		encoder := json.NewEncoder(&plain)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(about); err != nil || plain.Len() > 64<<10 {
			t.Errorf("%d bytes are told, %v", plain.Len(), err)
		}
	})
}
