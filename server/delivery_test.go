package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
)

// delivered is a gate whose database takes deliveries for an identity.
type delivered struct {
	*gate
	identity *age.X25519Identity
}

func newDelivered(t *testing.T) *delivered { return newDeliveredWith(t, startOptions{}) }

func newDeliveredWith(t *testing.T, o startOptions) *delivered {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	d := &delivered{gate: newGateWith(t, o), identity: identity}
	d.prepare()
	d.secure(fmt.Sprintf(`{"deliverers":{"names":["postman"]},"members":{"names":["member"]},"recipients":[%q]}`, identity.Recipient()))
	return d
}

func (d *delivered) secure(security string) {
	d.t.Helper()
	if status, answer := d.send("admin", "PUT", "/db/_security", security); status != 200 {
		d.t.Fatal(answer)
	}
}

// deliver delivers a body of a type as the postman.
func (d *delivered) deliver(id, kind string, body io.Reader) (status int, answer string) {
	req := httptest.NewRequest("PUT", "/db/_delivery/"+id, body)
	req.Header.Set("Content-Type", kind)
	req.SetBasicAuth("postman", "pass")
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

func (d *delivered) want(status int, id, kind, body string) string {
	d.t.Helper()
	got, answer := d.deliver(id, kind, strings.NewReader(body))
	if got != status {
		d.t.Fatalf("%s: %d %.300s, want %d", id, got, answer, status)
	}
	return answer
}

func (d *delivered) open(sealed []byte) []byte {
	d.t.Helper()
	r, err := age.Decrypt(bytes.NewReader(sealed), d.identity)
	if err != nil {
		d.t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return plain
}

// read returns the document that a delivery has made, what is told about its content,
// and the content as it is stored.
func (d *delivered) read(answer string) (doc, about map[string]any, stored []byte) {
	d.t.Helper()
	var made struct{ ID, Rev string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.ID == "" {
		d.t.Fatalf("%s: %v", answer, err)
	}
	_, text := d.send("member", "GET", "/db/"+made.ID, "")
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc["_rev"] != made.Rev {
		d.t.Fatalf("%s: %v", text, err)
	}
	if sealed, ok := doc["sealed"].(string); ok {
		raw, err := base64.StdEncoding.DecodeString(sealed)
		if err != nil {
			d.t.Fatal(err)
		}
		plain := d.open(raw)
		if err := json.Unmarshal(plain, &about); err != nil || len(plain)%512 != 0 {
			d.t.Fatalf("%d bytes: %s", len(plain), plain)
		}
	}
	_, content := d.send("member", "GET", "/db/"+made.ID+"/content.age", "")
	return doc, about, []byte(content)
}

// withMetadata is a multipart/related body of metadata and content.
func withMetadata(metadata, kind, content string) (contentType, body string) {
	return `multipart/related; boundary="b"`,
		"--b\r\nContent-Type: application/json\r\n\r\n" + metadata + "\r\n--b\r\nContent-Type: " + kind + "\r\n\r\n" + content + "\r\n--b--"
}

func TestDelivery(t *testing.T) {
	d := newDelivered(t)
	for name, content := range map[string]string{"empty": "", "short": "the content", "long": strings.Repeat("0123456789abcdef", 100_000)} {
		kind, body := withMetadata(`{"from": "ada", "subject": "<ö>"}`, "message/rfc822", content)
		answer := d.want(201, name, kind, body)
		doc, about, stored := d.read(answer)
		sum := sha256.Sum256([]byte(content))
		if doc["type"] != "delivery" || doc["sealed_by"] != "server" || doc["size"] != float64(len(stored)) || len(doc) != 8 {
			t.Errorf("%s: %v", name, doc)
		}
		if about["content_type"] != "message/rfc822" || about["length"] != float64(len(content)) || about["sha256"] != hex.EncodeToString(sum[:]) ||
			about["delivery_id"] != name || about["database"] != "db" || fmt.Sprint(about["metadata"]) != "map[from:ada subject:<ö>]" {
			t.Errorf("%s: %v", name, about)
		}
		if got := d.open(stored); string(got) != content {
			t.Errorf("%s: %d bytes", name, len(got))
		}
		if again := d.want(200, name, kind, body); again != answer {
			t.Errorf("%s again: %s, want %s", name, again, answer)
		}
		d.want(409, name, kind, strings.Replace(body, "ada", "eve", 1))
		d.want(409, name, "message/rfc822", content)
	}
	d.secure(`{"deliverers":{"names":["postman"]}}`)
	d.want(412, "nobody", "text/plain", "content")
}

// A delivery that comes again after two weeks cannot be compared with the first any more,
// but its id stays known.
func TestDeliveryAgainAfterTwoWeeks(t *testing.T) {
	var ahead atomic.Int64
	begun := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	d := newDeliveredWith(t, startOptions{now: func() time.Time { return begun.Add(time.Duration(ahead.Load())) }})
	answer := d.want(201, "one", "text/plain", "content")
	ahead.Store(int64(14 * 24 * time.Hour))
	if again := d.want(200, "one", "text/plain", "content"); again != answer {
		t.Errorf("on the last day: %s, want %s", again, answer)
	}
	ahead.Store(int64(14*24*time.Hour + time.Minute))
	_, before := d.send("admin", "GET", "/db", "")
	for range 2 { // before and after what could tell has been destroyed
		for _, content := range []string{"content", "another"} {
			if refused := d.want(409, "one", "text/plain", content); !strings.Contains(refused, `"already_delivered"`) {
				t.Errorf("%s: %s", content, refused)
			}
		}
		if err := d.options.Store.ExpireReceipts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, after := d.send("admin", "GET", "/db", ""); after != before {
		t.Errorf("it has become %s, and was %s", after, before)
	}
	d.want(201, "two", "text/plain", "content")
}

func TestDeliveryOfSealedContent(t *testing.T) {
	d := newDelivered(t)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, d.identity.Recipient())
	if err == nil {
		io.WriteString(w, "sealed by the client")
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	doc, about, stored := d.read(d.want(201, "age", "text/plain", sealed.String()))
	if !bytes.Equal(stored, sealed.Bytes()) || doc["sealed_by"] != "client" || about["length"] != float64(sealed.Len()) || about["content_type"] != "text/plain" {
		t.Errorf("%v %v", doc, about)
	}
	for name, content := range map[string]string{
		"intro": "age-encryption.org/v1\n", "no stanza": "age-encryption.org/v1\n--- " + strings.Repeat("A", 43) + "\n", "cut": sealed.String()[:40],
		"type only": "plain", "armor": "-----BEGIN PGP MESSAGE-----\n\nplain text\n", "signed": "-----BEGIN PGP MESSAGE-----\n\nkA0DAAgB\n=AAAA\n-----END PGP MESSAGE-----\n",
	} {
		doc, _, stored := d.read(d.want(201, strings.ReplaceAll(name, " ", "-"), "application/age", content))
		if doc["sealed_by"] != "server" || string(d.open(stored)) != content {
			t.Errorf("%s: %v", name, doc)
		}
	}
	d.secure(`{"deliverers":{"names":["postman"]},"members":{"names":["member"]}}`)
	doc, about, _ = d.read(d.want(201, "nobody", "application/age", sealed.String()))
	if about != nil || doc["sealed_by"] != "client" {
		t.Errorf("%v %v", doc, about)
	}
	kind, body := withMetadata(`{}`, "application/age", sealed.String())
	d.want(412, "metadata", kind, body)
}

// broken is a body that ends with an error.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the client is gone")
	}
	return n, err
}

func TestRefusedDeliveriesLeaveNothing(t *testing.T) {
	d := newDelivered(t)
	_, before := d.send("admin", "GET", "/db", "")
	kind, body := withMetadata(`{"a":1}`, "text/plain", strings.Repeat("content ", 50_000))
	for name, tt := range map[string]struct {
		status     int
		kind, body string
	}{
		"truncated":   {400, kind, body[:len(body)-10]},
		"no content":  {400, kind, "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--"},
		"three parts": {400, kind, strings.TrimSuffix(body, "--") + "\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"},
		"no JSON":     {400, kind, strings.Replace(body, `{"a":1}`, `{"a"`, 1)},
		"no object":   {400, kind, strings.Replace(body, `{"a":1}`, `[]`, 1)},
		"not JSON":    {415, kind, strings.Replace(body, `application/json`, `text/plain`, 1)},
		"large":       {413, kind, strings.Replace(body, `{"a":1}`, `{"a":"`+strings.Repeat("x", 70_000)+`"}`, 1)},
		"no boundary": {400, "multipart/related", body},
		"base64":      {400, kind, strings.Replace(body, "text/plain", "text/plain\r\nContent-Transfer-Encoding: base64", 1)},
		"type":        {400, "text/\xff", "x"},
		"%FF":         {400, "text/plain", "x"},
	} {
		id := strings.ReplaceAll(name, " ", "-")
		if status, answer := d.deliver(id, tt.kind, strings.NewReader(tt.body)); status != tt.status {
			t.Errorf("%q: %d %s, want %d", name, status, answer, tt.status)
		}
	}
	if status, answer := d.deliver("broken", "text/plain", broken{strings.NewReader(strings.Repeat("x", 300_000))}); status != 400 {
		t.Errorf("broken: %d %s", status, answer)
	}
	if _, after := d.send("admin", "GET", "/db", ""); after != before {
		t.Errorf("it has become %s, and was %s", after, before)
	}
}

func TestQuotas(t *testing.T) {
	d := newDelivered(t)
	quota := func() (q struct {
		Max         *int64 `json:"max_bytes"`
		Used        int64  `json:"used_bytes"`
		Documents   int64  `json:"documents_bytes"`
		Attachments int64  `json:"attachments_bytes"`
	}) {
		t.Helper()
		status, answer := d.send("member", "GET", "/db/_quota", "")
		if err := json.Unmarshal([]byte(answer), &q); err != nil || status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		return q
	}
	step := func(status int, who, method, path, body string) string {
		t.Helper()
		got, answer := d.send(who, method, path, body)
		if got != status || status == 507 && !strings.Contains(answer, `"insufficient_storage"`) {
			t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
		}
		var saved struct{ Rev string }
		json.Unmarshal([]byte(answer), &saved)
		return saved.Rev
	}
	rev := step(201, "member", "PUT", "/db/a", `{"a":1,"_attachments":{"x":{"data":"aGVsbG8="}}}`)
	if q := quota(); q.Max != nil || q.Documents != 7 || q.Attachments != 5 || q.Used != 12 {
		t.Errorf("%+v", q)
	}
	for _, bad := range []string{`{}`, `{"max_bytes":-1}`, `{"max_bytes":"5"}`, `{"max_bytes":1.5}`, `{"max_bytes":5,"x":1}`, `[]`, `5`, `{"max_bytes":99999999999999999999}`} {
		step(400, "admin", "PUT", "/db/_quota", bad)
	}
	step(401, "boss", "PUT", "/db/_quota", `{"max_bytes":1}`)
	step(403, "postman", "GET", "/db/_quota", ``)
	step(200, "admin", "PUT", "/db/_quota", `{"max_bytes":20}`)
	step(507, "member", "PUT", "/db/b", `{"text":"too long"}`)
	step(507, "member", "POST", "/db/_bulk_docs", `{"docs":[{"_id":"b"},{"_id":"c","text":"too long"}]}`)
	step(507, "member", "POST", "/db/_bulk_docs", `{"new_edits":false,"docs":[{"_id":"c","_rev":"1-a","text":"too long"}]}`)
	step(507, "member", "PUT", "/db/b/att", strings.Repeat("x", 100))
	step(404, "member", "GET", "/db/b", ``)
	step(201, "member", "PUT", "/db/b", `{"a":22}`)
	step(201, "member", "PUT", "/db/_local/x", `{"text":"`+strings.Repeat("x", 100)+`"}`)
	step(200, "admin", "PUT", "/db/_security", `{"deliverers":{"names":["postman"]},"members":{"names":["member"]},"more":"`+strings.Repeat("x", 100)+`"}`)
	step(200, "admin", "PUT", "/db/_quota", `{"max_bytes":3}`)
	rev = step(201, "member", "PUT", "/db/a?rev="+rev, `{"a":2,"_attachments":{"x":{"stub":true}}}`)
	step(507, "member", "PUT", "/db/a?rev="+rev, `{"a":22,"_attachments":{"x":{"stub":true}}}`)
	rev = step(201, "member", "PUT", "/db/a?rev="+rev, `{"a":3}`)
	step(200, "member", "DELETE", "/db/a?rev="+rev, ``)
	d.want(507, "1", "text/plain", "x")
	if q := quota(); q.Max == nil || *q.Max != 3 || q.Attachments != 0 {
		t.Errorf("%+v", q)
	}
	step(200, "admin", "PUT", "/db/_quota", `{"max_bytes":null}`)
	d.secure(fmt.Sprintf(`{"deliverers":{"names":["postman"]},"recipients":[%q]}`, d.identity.Recipient()))
	d.want(201, "1", "text/plain", "x")
	step(200, "admin", "PUT", "/db/_quota", `{"max_bytes":5000}`)
	d.want(507, "2", "text/plain", strings.Repeat("x", 5000))
	if status, answer := d.deliver("3", "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("x", 5000)))); status != 507 {
		t.Errorf("chunked: %d %s", status, answer)
	}
}
