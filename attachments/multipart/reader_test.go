package multipart_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	stdmultipart "mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"settle/attachments/multipart"
	"settle/storage/couch"
)

type part struct {
	Type, Content string
}

// readParts reads everything with the boundary abc123, and how it ended.
func readParts(r io.Reader) (parts []part, err error) {
	m, err := multipart.NewReader(r, "multipart/related; boundary=abc123", 100)
	if err != nil {
		return nil, err
	}
	for {
		p, err := m.Next()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return parts, err
		}
		content, err := io.ReadAll(p)
		parts = append(parts, part{p.Header.Get("content-type"), string(content)})
		if err != nil {
			return parts, err
		}
	}
}

const json = "Content-Type: application/json\r\n"

func TestReader(t *testing.T) {
	long := strings.Repeat("0123456789\r\n--abc12", 20_000)
	for _, tc := range []struct {
		name, body string
		want       []part
	}{
		{"CouchDB's form", "--abc123\r\n" + json + "\r\n{}\r\n--abc123\r\n\r\nhello\r\n--abc123--", []part{{"application/json", "{}"}, {"", "hello"}}},
		{"line break at the end", "--abc123\r\n" + json + "\r\n{}\r\n--abc123--\r\n", []part{{"application/json", "{}"}}},
		{"preamble", "text\r\n--abc123\r\n" + json + "\r\n{}\r\n--abc123--", []part{{"application/json", "{}"}}},
		{"line break in front", "\r\n--abc123\r\n" + json + "\r\n{}\r\n--abc123--", []part{{"application/json", "{}"}}},
		{"epilogue", "--abc123\r\n\r\na\r\n--abc123--\r\nmore\r\n--abc123\r\n\r\nb", []part{{"", "a"}}},
		{"white space behind the boundary", "--abc123 \t\r\n\r\na\r\n--abc123  \r\n\r\nb\r\n--abc123--", []part{{"", "a"}, {"", "b"}}},
		{"empty part", "--abc123\r\n\r\n\r\n--abc123\r\nA: b\r\n\r\n\r\n--abc123--", []part{{"", ""}, {"", ""}}},
		{"part that ends with its header", "--abc123\r\nA: b\r\n\r\n--abc123\r\n\r\nx\r\n--abc123--", []part{{"", ""}, {"", "x"}}},
		{"no parts", "--abc123--", nil},
		{"content like a boundary", "--abc123\r\n\r\n\r\n--abc12\r\n-\r\n--\r\n\r\n--abc123--", []part{{"", "\r\n--abc12\r\n-\r\n--\r\n"}}},
		{"content begins like a boundary", "--abc123\r\n\r\n--abc12\r\n--abc123--", []part{{"", "--abc12"}}},
		{"longer than the buffer", "--abc123\r\n\r\n" + long + "\r\n--abc123--", []part{{"", long}}},
		{"raw quotes and letters in the name", "--abc123\r\nContent-Disposition: attachment; filename=\"a\"b ü\"\r\ncontent-TYPE:x/y\r\n\r\na\r\n--abc123--", []part{{"x/y", "a"}}},
		{"header of 15 kB", "--abc123\r\nA: " + strings.Repeat("x", 15_000) + "\r\n\r\na\r\n--abc123--", []part{{"", "a"}}},
		{"folded header", "--abc123\r\nContent-Type: multipart/related;\r\n\tboundary=x\r\n\r\na\r\n--abc123--", []part{{"multipart/related; boundary=x", "a"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"at once":      strings.NewReader(tc.body),
				"by one byte":  iotest.OneByteReader(strings.NewReader(tc.body)),
				"data and EOF": iotest.DataErrReader(strings.NewReader(tc.body)),
			} {
				got, err := readParts(r)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestReaderErrors(t *testing.T) {
	for _, tc := range []struct{ name, body, reason string }{
		{"empty", "", "multipart body ends early"},
		{"no boundary", strings.Repeat("x", 100_000), "multipart body ends early"},
		{"no end", "--abc123\r\n\r\nhello", "multipart body ends early"},
		{"no empty line", "--abc123\r\nContent-Type: x\r\nhello", "multipart body ends early"},
		{"header without colon", "--abc123\r\nContent\r\n\r\nhello\r\n--abc123--", "bad part header"},
		{"text behind the boundary", "--abc123: x\r\n\r\nhello\r\n--abc123--", "bad part header"},
		{"long header", "--abc123\r\nA: " + strings.Repeat("x", 20_000) + "\r\n\r\nhello\r\n--abc123--", "part header too long"},
		{"endless header", "--abc123\r\nA: " + strings.Repeat("x", 1_000_000), "part header too long"},
		{"too many parts", strings.Repeat("--abc123\r\n\r\nx\r\n", 101) + "--abc123--", "too many parts in multipart body"},
	} {
		_, err := readParts(strings.NewReader(tc.body))
		var e *couch.Error
		if !errors.As(err, &e) || e.Kind != couch.BadRequest || e.Reason != tc.reason {
			t.Errorf("%s: error %v, want %s", tc.name, err, tc.reason)
		}
	}
	if _, err := multipart.NewReader(strings.NewReader(""), "text/plain", 0); !errors.Is(err, &couch.Error{Kind: couch.BadContentType}) {
		t.Errorf("text/plain: error %v", err)
	}
	body := io.MultiReader(strings.NewReader("--abc123\r\n\r\nhel"), errReader{})
	if got, err := readParts(body); err != errTest || len(got) != 1 || got[0].Content != "hel" {
		t.Errorf("error of the input: %v, %v", got, err)
	}
}

func TestReaderErrorStays(t *testing.T) {
	m, err := multipart.NewReader(strings.NewReader("--x\r\nbad\r\n\r\na\r\n--x\r\n\r\nb\r\n--x--"), "multipart/mixed; boundary=x", 0)
	must(t, err)
	_, first := m.Next()
	if _, second := m.Next(); first == nil || second != first {
		t.Errorf("errors %v, then %v", first, second)
	}
}

// Every beginning of a body gives an error, or the parts that were whole.
func TestReaderTruncated(t *testing.T) {
	body := "--abc123\r\n" + json + "\r\n{\"v\":1}\r\n--abc123\r\nContent-Length: 7\r\n\r\nhel\r\nlo\r\n--abc123--"
	whole, err := readParts(strings.NewReader(body))
	must(t, err)
	for n := range body {
		got, err := readParts(strings.NewReader(body[:n]))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: error %v", n, err)
		}
		for i := range got {
			if !strings.HasPrefix(whole[i].Content, got[i].Content) {
				t.Fatalf("cut at %d: part %d is %q", n, i, got[i].Content)
			}
			if i < len(got)-1 && got[i] != whole[i] {
				t.Fatalf("cut at %d: part %d is not whole", n, i)
			}
		}
	}
}

func TestSkippedParts(t *testing.T) {
	body := "--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x\r\n\r\nthree\r\n--x--"
	m, err := multipart.NewReader(strings.NewReader(body), "multipart/mixed; boundary=x", 3)
	must(t, err)
	first, err := m.Next()
	must(t, err)
	second, err := m.Next()
	must(t, err)
	_, err = second.Read(make([]byte, 1))
	must(t, err)
	third, err := m.Next()
	must(t, err)
	for _, old := range []*multipart.Part{first, second} {
		if n, err := old.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("an old part read %d, %v", n, err)
		}
	}
	if got, err := io.ReadAll(third); string(got) != "three" || err != nil {
		t.Errorf("third part: %q, %v", got, err)
	}
	if _, err := m.Next(); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}

func TestExpect(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		length     int64
		want       string
		reason     string
	}{
		{"exact", "hello\r\n--x--", 5, "hello", ""},
		{"exact and empty", "\r\n--x--", 0, "", ""},
		{"end boundary missing", "hello", 5, "hello", ""},
		{"half an end boundary", "hello\r\n-", 5, "hello", ""},
		{"longer", "hello\r\n--x--", 4, "hell", "attachment longer than expected"},
		{"longer without a boundary", "hello", 4, "hell", "attachment longer than expected"},
		{"shorter", "hello\r\n--x--", 6, "hello", "attachment shorter than expected"},
		{"shorter without a boundary", "hello", 6, "hello", "attachment shorter than expected"},
		{"negative", "hello\r\n--x--", -1, "", "attachment longer than expected"},
	} {
		m, err := multipart.NewReader(strings.NewReader("--x\r\n\r\n"+tc.body), "multipart/mixed; boundary=x", 0)
		must(t, err)
		p, err := m.Next()
		must(t, err)
		r := p.Expect(tc.length)
		got, err := io.ReadAll(r)
		if string(got) != tc.want {
			t.Errorf("%s: read %q, want %q", tc.name, got, tc.want)
		}
		var e *couch.Error
		if tc.reason == "" && err != nil || tc.reason != "" && (!errors.As(err, &e) || e.Reason != tc.reason) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.reason)
		}
		if _, again := r.Read(make([]byte, 1)); again == nil {
			t.Errorf("%s: read on behind the end", tc.name)
		}
	}
}

func TestDocument(t *testing.T) {
	for body, kind := range map[string]couch.Kind{
		"--x\r\n\r\n{}\r\n--x--":                           couch.BadContentType,
		"--x\r\nContent-Type: text/plain\r\n\r\n{}\r\n--x": couch.BadContentType,
		"--x--": couch.BadRequest,
	} {
		m, err := multipart.NewReader(strings.NewReader(body), "multipart/related; boundary=x", 0)
		must(t, err)
		if _, err := m.Document(); !errors.Is(err, &couch.Error{Kind: kind}) {
			t.Errorf("%q: error %v", body, err)
		}
	}
	m, err := multipart.NewReader(strings.NewReader("--x\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n{}\r\n--x--"), "multipart/related; boundary=x", 0)
	must(t, err)
	p, err := m.Document()
	must(t, err)
	if got, err := io.ReadAll(p); string(got) != "{}" || err != nil {
		t.Errorf("document %q, %v", got, err)
	}
}

// A part is readable as far as it has arrived.
func TestReaderDoesNotWait(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	go io.WriteString(out, "--x\r\n\r\nhello")
	m, err := multipart.NewReader(in, "multipart/mixed; boundary=x", 0)
	must(t, err)
	p, err := m.Next()
	must(t, err)
	got := make([]byte, 5)
	if _, err := io.ReadFull(p, got); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestNestedRoundTrip(t *testing.T) {
	big := strings.Repeat("\r\n--inner\r\n--oute", 5000)
	var body bytes.Buffer
	w := multipart.NewOpenRevsWriter(&body, "outer")
	for i := range 3 {
		must(t, w.Document(&multipart.Related{
			Boundary: "innerboundary", Document: fmt.Appendf(nil, `{"i":%d}`, i),
			Attachments: []multipart.Attachment{attachment("a", "x/y", big), attachment("b", "x/y", fmt.Sprint(i))},
		}))
	}
	must(t, w.Close())

	outer, err := multipart.NewReader(&body, multipart.ContentType("mixed", "outer"), 0)
	must(t, err)
	for i := range 3 {
		p, err := outer.Next()
		must(t, err)
		inner, err := multipart.NewReader(p, p.Header.Get("Content-Type"), 0)
		must(t, err)
		for _, want := range []string{fmt.Sprintf(`{"i":%d}`, i), big, fmt.Sprint(i)} {
			p, err := inner.Next()
			must(t, err)
			if got, err := io.ReadAll(p); string(got) != want || err != nil {
				t.Fatalf("document %d: read %d bytes, %v, want %d bytes", i, len(got), err, len(want))
			}
		}
		if _, err := inner.Next(); err != io.EOF {
			t.Fatal(err)
		}
	}
	if _, err := outer.Next(); err != io.EOF {
		t.Fatal(err)
	}
}

// Reading allocates no more for a large part than for a small one.
func TestReaderMemory(t *testing.T) {
	read := func(size int64) float64 {
		return testing.AllocsPerRun(5, func() {
			body := io.MultiReader(strings.NewReader("--x\r\n\r\n"), io.LimitReader(zeros{}, size), strings.NewReader("\r\n--x--"))
			m, _ := multipart.NewReader(body, "multipart/mixed; boundary=x", 0)
			p, _ := m.Next()
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, p, make([]byte, 4096))
			if n != size || err != nil {
				t.Fatal(n, err)
			}
		})
	}
	if small, large := read(1000), read(10_000_000); large > small+2 {
		t.Errorf("%v allocations for 1 kB, %v for 10 MB", small, large)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// However the bytes arrive the same is read; and what the standard library reads
// of a body without errors is read here as well.
func FuzzReader(f *testing.F) {
	f.Add([]byte("--abc123\r\nContent-Type: a\r\n\r\nx\r\n--abc123\r\n\r\n\r\n--abc12\r\n--abc123--"))
	f.Add([]byte(couchDBPut))
	f.Add([]byte("p\r\n--abc123\r\nA: b\r\n\r\n--abc123\r\n\r\nx\r\n--abc123"))
	f.Fuzz(func(t *testing.T, body []byte) {
		whole, err := readParts(bytes.NewReader(body))
		slow, slowErr := readParts(iotest.OneByteReader(bytes.NewReader(body)))
		if diff := cmp.Diff(whole, slow); diff != "" || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Fatalf("%v, %v: %s", err, slowErr, diff)
		}
		total := 0
		for _, p := range whole {
			total += len(p.Content)
		}
		if total > len(body) {
			t.Fatal("read more than there is")
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("name", "type/x", []byte("hello"), []byte("{}"))
	f.Add("ü\"\r\n", "", []byte("\r\n--0"), []byte(""))
	f.Fuzz(func(t *testing.T, name, contentType string, content, doc []byte) {
		const boundary = "0123456789abcdef0123456789abcdef"
		if len(name)+len(contentType) > 4000 || bytes.Contains(content, []byte(boundary)) || bytes.Contains(doc, []byte(boundary)) {
			return
		}
		related := multipart.Related{
			Boundary: boundary, Document: doc,
			Attachments: []multipart.Attachment{attachment(name, contentType, string(content)), attachment("b", "c", "d")},
		}
		var body bytes.Buffer
		n, err := related.WriteTo(&body)
		if err != nil || n != related.Length() {
			t.Fatal(n, related.Length(), err)
		}
		std := stdmultipart.NewReader(bytes.NewReader(body.Bytes()), boundary)
		m, err := multipart.NewReader(&body, related.ContentType(), 3)
		must(t, err)
		for i, want := range [][]byte{doc, content, []byte("d")} {
			p, err := m.Next()
			must(t, err)
			if got, err := io.ReadAll(p); !bytes.Equal(got, want) || err != nil {
				t.Fatalf("part %d: %q, %v, want %q", i, got, err, want)
			}
			q, err := std.NextRawPart()
			if err != nil {
				continue // it is stricter about the bytes of a header
			}
			if got, err := io.ReadAll(q); !bytes.Equal(got, want) || err != nil {
				t.Fatalf("the standard library reads part %d as %q, %v", i, got, err)
			}
		}
		if _, err := m.Next(); err != io.EOF {
			t.Fatal(err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	content := make([]byte, 1<<20)
	body := append([]byte("--x\r\n\r\n"), content...)
	body = append(body, "\r\n--x--"...)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		m, _ := multipart.NewReader(bytes.NewReader(body), "multipart/mixed; boundary=x", 0)
		p, err := m.Next()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
}
