package multipart_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/attachments/multipart"
	"settle/storage/couch"
)

func attachment(name, contentType, content string) multipart.Attachment {
	return multipart.Attachment{
		Name: name, ContentType: contentType, Length: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

// What CouchDB 3.5.0's replicator sent for a document of two attachments.
const couchDBPut = "--7bfc86b462712dbe619553072aaa1423\r\nContent-Type: application/json\r\n\r\n" +
	`{"_id":"empty","_attachments":{"nothing.bin":{"length":0,"follows":true},"three.bin":{"length":3,"follows":true}}}` +
	"\r\n--7bfc86b462712dbe619553072aaa1423\r\nContent-Disposition: attachment; filename=\"nothing.bin\"\r\n" +
	"Content-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n\r\n--7bfc86b462712dbe619553072aaa1423\r\n" +
	"Content-Disposition: attachment; filename=\"three.bin\"\r\nContent-Type: application/octet-stream\r\n" +
	"Content-Length: 3\r\n\r\nabc\r\n--7bfc86b462712dbe619553072aaa1423--"

func TestRelatedWritesWhatCouchDBWrites(t *testing.T) {
	zipped := attachment("Grüße \"☃\".txt", "text/plain; charset=utf-8", "zzz")
	zipped.Encoding = "gzip"
	for _, tc := range []struct {
		name        string
		related     multipart.Related
		contentType string
		want        string
	}{
		{
			"two attachments, one empty",
			multipart.Related{
				Boundary: "7bfc86b462712dbe619553072aaa1423",
				Document: []byte(`{"_id":"empty","_attachments":{"nothing.bin":{"length":0,"follows":true},"three.bin":{"length":3,"follows":true}}}`),
				Attachments: []multipart.Attachment{
					attachment("nothing.bin", "application/octet-stream", ""),
					attachment("three.bin", "application/octet-stream", "abc"),
				},
			},
			`multipart/related; boundary="7bfc86b462712dbe619553072aaa1423"`,
			couchDBPut,
		},
		{
			"raw name, gzip",
			multipart.Related{Boundary: "B", Document: []byte("{}"), Attachments: []multipart.Attachment{zipped}},
			`multipart/related; boundary="B"`,
			"--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\nContent-Disposition: attachment; filename=\"Grüße \"☃\".txt\"\r\n" +
				"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nzzz\r\n--B--",
		},
		{
			"nothing follows",
			multipart.Related{Boundary: "B", Document: []byte(`{"a":1}`)},
			"application/json",
			`{"a":1}`,
		},
		{
			"no header can be slipped in",
			multipart.Related{Boundary: "B", Document: []byte("{}"), Attachments: []multipart.Attachment{
				attachment("a\r\nX: y", "t\r\n\r\nz", "1"),
			}},
			`multipart/related; boundary="B"`,
			"--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\nContent-Disposition: attachment; filename=\"a%0D%0AX: y\"\r\n" +
				"Content-Type: t%0D%0A%0D%0Az\r\nContent-Length: 1\r\n\r\n1\r\n--B--",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got bytes.Buffer
			n, err := tc.related.WriteTo(&got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Error(diff)
			}
			if n != int64(got.Len()) || tc.related.Length() != n {
				t.Errorf("WriteTo returned %d, Length %d, written were %d", n, tc.related.Length(), got.Len())
			}
			if tc.related.ContentType() != tc.contentType {
				t.Errorf("ContentType = %s, want %s", tc.related.ContentType(), tc.contentType)
			}
		})
	}
}

func TestRelatedRefusesAnotherLength(t *testing.T) {
	for _, announced := range []int64{0, 4, 6, 100} {
		a := attachment("a", "t", "12345")
		a.Length = announced
		related := multipart.Related{Boundary: "B", Document: []byte("{}"), Attachments: []multipart.Attachment{a}}
		var got bytes.Buffer
		if _, err := related.WriteTo(&got); !errors.Is(err, multipart.ErrLength) {
			t.Errorf("announced %d: error %v, want ErrLength", announced, err)
		}
		if strings.HasSuffix(got.String(), "--B--") {
			t.Errorf("announced %d: the body was ended as if it were whole", announced)
		}
	}
}

var errTest = errors.New("test")

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

func TestRelatedErrors(t *testing.T) {
	failing := &closeRecorder{Reader: io.MultiReader(strings.NewReader("12"), errReader{})}
	for name, open := range map[string]func() (io.ReadCloser, error){
		"open": func() (io.ReadCloser, error) { return nil, errTest },
		"read": func() (io.ReadCloser, error) { return failing, nil },
	} {
		related := multipart.Related{Boundary: "B", Attachments: []multipart.Attachment{{Length: 5, Open: open}}}
		if _, err := related.WriteTo(io.Discard); !errors.Is(err, errTest) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if !failing.closed {
		t.Error("the content was not closed after an error")
	}
	whole := multipart.Related{Boundary: "B", Document: []byte("{}"), Attachments: []multipart.Attachment{attachment("a", "t", "12345")}}
	for n := range whole.Length() {
		if _, err := whole.WriteTo(&limitedWriter{left: n}); !errors.Is(err, errTest) {
			t.Fatalf("a writer that fails after %d bytes: error %v", n, err)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errTest }

type limitedWriter struct{ left int64 }

func (w *limitedWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > w.left {
		return int(w.left), errTest
	}
	w.left -= int64(len(b))
	return len(b), nil
}

func TestOpenRevs(t *testing.T) {
	var got bytes.Buffer
	m := multipart.NewOpenRevsWriter(&got, "O")
	must(t, m.Document(&multipart.Related{Document: []byte(`{"_id":"d"}`)}))
	must(t, m.Document(&multipart.Related{Boundary: "I", Document: []byte(`{}`), Attachments: []multipart.Attachment{attachment("a", "t", "x")}}))
	must(t, m.Missing([]byte(`{"missing":"9-zz"}`)))
	must(t, m.Close())
	want := "--O\r\nContent-Type: application/json\r\n\r\n{\"_id\":\"d\"}" +
		"\r\n--O\r\nContent-Type: multipart/related; boundary=\"I\"\r\n\r\n" +
		"--I\r\nContent-Type: application/json\r\n\r\n{}\r\n--I\r\nContent-Disposition: attachment; filename=\"a\"\r\nContent-Type: t\r\nContent-Length: 1\r\n\r\nx\r\n--I--" +
		"\r\n--O\r\nContent-Type: application/json; error=\"true\"\r\n\r\n{\"missing\":\"9-zz\"}\r\n--O--"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRevsWithoutParts(t *testing.T) {
	var got bytes.Buffer
	must(t, multipart.NewOpenRevsWriter(&got, "O").Close())
	if got.String() != "--O--" {
		t.Errorf("got %q", got.String())
	}
}

func TestBulkGet(t *testing.T) {
	var got bytes.Buffer
	m := multipart.NewBulkGetWriter(&got, "--O")
	must(t, m.Document("b", couch.RevID{Gen: 1, Hash: "x"}, &multipart.Related{Document: []byte(`{"_id":"b"}`)}))
	must(t, m.Document("a\nb", couch.RevID{Gen: 2, Hash: "y"}, &multipart.Related{Boundary: "--I", Document: []byte(`{}`), Attachments: []multipart.Attachment{attachment("a", "t", "x")}}))
	must(t, m.Error([]byte(`{"rev":"9-zz"}`)))
	must(t, m.Close())
	want := "\r\n----O\r\nContent-Type: application/json\r\n\r\n{\"_id\":\"b\"}" +
		"\r\n----O\r\nX-Doc-Id: a%0Ab\r\nX-Rev-Id: 2-y\r\nContent-Type: multipart/related; boundary=--I\r\n\r\n" +
		"----I\r\nContent-Type: application/json\r\n\r\n{}\r\n----I\r\nContent-Disposition: attachment; filename=\"a\"\r\nContent-Type: t\r\nContent-Length: 1\r\n\r\nx\r\n----I--" +
		"\r\n----O\r\nContent-Type: application/json; error=\"true\"\r\n\r\n{\"rev\":\"9-zz\"}\r\n----O--\r\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMixedKeepsTheFirstError(t *testing.T) {
	bad := multipart.Attachment{Length: 1, Open: func() (io.ReadCloser, error) { return nil, errTest }}
	doc := &multipart.Related{Boundary: "I", Document: []byte(`{}`), Attachments: []multipart.Attachment{bad}}
	open, bulk := multipart.NewOpenRevsWriter(io.Discard, "O"), multipart.NewBulkGetWriter(io.Discard, "O")
	for i, err := range []error{
		open.Document(doc), open.Missing([]byte("{}")), open.Close(),
		bulk.Document("d", couch.RevID{}, doc), bulk.Error([]byte("{}")), bulk.Close(),
	} {
		if !errors.Is(err, errTest) {
			t.Errorf("call %d: error %v", i, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
