package docjson_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// document returns a document's text of about size bytes, of the kinds of values
// that notes and metadata have.
func document(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"_id":"note:2026-11-22","_rev":"1-967a00dff5e02add41819138abb3284d","type":"leaf"`)
	for i := 0; b.Len() < size-100; i++ {
		fmt.Fprintf(&b, `,"member%d":{"title":"Grüße %d","n":%d,"ratio":%d.25,"tags":["a","b"],"text":%q}`, i, i, i*1000, i, strings.Repeat("lorem ipsum ", 8))
	}
	b.WriteString(`}`)
	return b.Bytes()
}

func benchmarkDocument(b *testing.B, text []byte) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	src := bytes.NewReader(text)
	for b.Loop() {
		src.Reset(text)
		doc, err := docjson.NewReader(src).Document(docjson.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := docjson.RevID(false, doc.Rev(), doc.Body, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDocument1kB(b *testing.B) { benchmarkDocument(b, document(1<<10)) }
func BenchmarkDocument1MB(b *testing.B) { benchmarkDocument(b, document(1<<20)) }

// One text of a megabyte, as a chunk of an attachment-less client.
func BenchmarkDocumentString1MB(b *testing.B) {
	benchmarkDocument(b, []byte(`{"_id":"h:1","data":"`+strings.Repeat("abcdefghijklmnop", 1<<16)+`"}`))
}

// A batch of 100 documents of 1 kB on one Reader.
func BenchmarkBulkDocs(b *testing.B) {
	text := []byte(`[` + strings.Repeat(string(document(1<<10))+",", 99) + string(document(1<<10)) + `]`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	src := bytes.NewReader(text)
	for b.Loop() {
		src.Reset(text)
		r := docjson.NewReader(src)
		for _, err := range r.Elements() {
			if err != nil {
				b.Fatal(err)
			}
			if _, err := r.Document(docjson.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkInlineAttachment1MB(b *testing.B) {
	text := []byte(`{"_attachments":{"a":{"data":"` + strings.Repeat("AbCd", 1<<18) + `"}}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	src := bytes.NewReader(text)
	store := func(_ string, content io.Reader) (couch.Attachment, error) {
		_, err := io.Copy(io.Discard, content)
		return couch.Attachment{}, err
	}
	for b.Loop() {
		src.Reset(text)
		if _, err := docjson.NewReader(src).Document(docjson.Options{Store: store}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDocument1kB(b *testing.B) {
	r := docjson.NewReader(bytes.NewReader(document(1 << 10)))
	p, err := r.Document(docjson.Options{})
	if err != nil {
		b.Fatal(err)
	}
	doc := &couch.Document{ID: p.ID, Revisions: p.Revisions, Body: p.Body}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = docjson.AppendDocument(buf[:0], doc, docjson.Print{Revs: true})
	}
}
