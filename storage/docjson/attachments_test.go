package docjson_test

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settle/storage/couch"
	"settle/storage/docjson"
)

func TestAttachments(t *testing.T) {
	type att = docjson.Attachment
	stored := func(name, contentType, content string) att {
		a, _ := storeBlob("", strings.NewReader(content))
		a.Name, a.ContentType = name, contentType
		return att{Attachment: a, HasLength: true}
	}
	const octets, hello = "application/octet-stream", "md5-XUFAKrxLKna5cZ2REBfFkg=="
	digest, _ := couch.ParseDigest(hello)
	gzipped, wire := packed("hello")
	nothing, _ := packed("")
	strayed := att{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true, RevPos: couch.NoRevPos}}
	long := strings.Repeat("x", couch.MaxAttachmentName)
	withRevPos := func(a att, n uint64) att { a.RevPos = n; return a }
	tests := []struct {
		text string
		want []att
	}{
		{`{}`, nil},
		{`{"x":{"data":"aGVsbG8=","content_type":"image/png"}}`, []att{stored("x", "image/png", "hello")}},
		{`{"x":{"content_type":"image/png","extra":{"data":1},"data":"aGVs\nb\tG8= "}}`, []att{stored("x", "image/png", "hello")}},
		{`{"x":{"data":"aGVsbG8="},"":{"data":""}}`, []att{stored("x", octets, "hello"), stored("", octets, "")}},
		{`{"x":{"data":"\u0061GVsbG8="}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"data":"not base64","data":"aGVsbG8="}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"data":"aGVsbG8=","digest":"md5-AAAA","length":99,"revpos":7,"encoding":"identity","encoded_length":3}}`, []att{withRevPos(stored("x", octets, "hello"), 7)}},
		{`{"x":{"data":"aGVsbG8=","digest":"` + wire + `","encoding":"br"}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"data":"` + gzipped + `","digest":"` + wire + `","length":99,"revpos":7,"encoding":"gzip","encoded_length":3}}`, []att{withRevPos(stored("x", octets, "hello"), 7)}},
		{`{"x":{"encoding":"gzip","digest":"` + wire + `","data":"` + gzipped + `"}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"digest":"sha-x","data":"` + gzipped + `","encoding":"gzip"},"y":{"encoding":"gzip","data":"` + gzipped + `","digest":"` + wire + `"}}`, []att{stored("x", octets, "hello"), stored("y", octets, "hello")}},
		{`{"x":{"encoding":"gzip","data":"aGVsbG8=","encoding":null}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"encoding":"gzip","data":"` + nothing + `"}}`, []att{stored("x", octets, "")}},
		{`{"x":{"data":"YQ=="},"y":{"stub":true},"x":{"data":"Yg=="}}`, []att{{Attachment: couch.Attachment{Name: "y", ContentType: octets, Stub: true}}, stored("x", octets, "b")}},
		{`{"x":"text","y":5,"z":{"data":"YQ=="},"z":null}`, nil},
		{`{"x":{"stub":true,"revpos":3,"length":5,"content_type":"a/b","digest":"` + hello + `"}}`,
			[]att{{Attachment: couch.Attachment{Name: "x", ContentType: "a/b", Stub: true, RevPos: 3, Length: 5, Digest: digest}, HasLength: true}}},
		{`{"x":{"data":"not base64","stub":true}}`, []att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true}}}},
		{`{"x":{"data":5,"stub":true,"follows":true,"length":"5","encoded_length":-1,"digest":5}}`, []att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true}}}},
		{`{"x":{"stub":true,"digest":"md5-AAAA"}}`, []att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true}}}},
		{`{"x":{"stub":true,"digest":"sha-?"}}`, []att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true}}}},
		{`{"x":{"stub":true,"revpos":"1"}}`, []att{strayed}},
		{`{"x":{"stub":true,"revpos":null}}`, []att{strayed}},
		{`{"x":{"revpos":-1,"stub":true}}`, []att{strayed}},
		{`{"x":{"stub":true,"revpos":0}}`, []att{strayed}},
		{`{"x":{"stub":true,"revpos":1.0}}`, []att{strayed}},
		{`{"x":{"stub":true,"revpos":"1","revpos":2}}`, []att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Stub: true, RevPos: 2}}}},
		{`{"x":{"data":"aGVsbG8=","revpos":"1","length":-1,"encoded_length":2.0,"digest":5}}`, []att{stored("x", octets, "hello")}},
		{`{"x":{"follows":true,"length":"5","length":0,"digest":5,"digest":"sha-x"}}`,
			[]att{{Attachment: couch.Attachment{Name: "x", ContentType: octets}, Follows: true, HasLength: true}}},
		{`{"` + long + `":{"data":"aGVsbG8=","content_type":"` + long + `"}}`, []att{stored(long, long, "hello")}},
		{`{"x":{"follows":true,"length":0,"digest":"sha-x","encoding":"identity","encoded_length":4}}`,
			[]att{{Attachment: couch.Attachment{Name: "x", ContentType: octets}, Follows: true, HasLength: true}}},
		{`{"x":{"follows":true,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="}}`,
			[]att{{Attachment: couch.Attachment{Name: "x", ContentType: octets}, Follows: true, HasDigest: true}}},
		{`{"x":{"follows":true,"length":50,"encoding":"gzip","encoded_length":20,"digest":"` + hello + `"}}`,
			[]att{{Attachment: couch.Attachment{Name: "x", ContentType: octets, Length: 50, Digest: digest}, Follows: true, HasLength: true, HasDigest: true, Encoding: "gzip", EncodedLength: 20}}},
	}
	for _, tt := range tests {
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(`{"_attachments":` + tt.text + `}`), "single bytes": iotest.OneByteReader(strings.NewReader(`{"_attachments":` + tt.text + `}`))} {
			doc, err := docjson.NewReader(src).Document(docjson.Options{Store: storeBlob})
			if err != nil {
				t.Errorf("%s: %v", tt.text, err)
				continue
			}
			if diff := cmp.Diff(tt.want, doc.Attachments, cmp.AllowUnexported(blob{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.text, name, diff)
			}
		}
	}
}

// Inline content that is said to be gzip has to be, and to have the digest that the
// text gives it.
func TestBadGzip(t *testing.T) {
	gzipped, wire := packed("hello")
	torn, _ := packed(strings.Repeat("hello", 100))
	const hello = "md5-XUFAKrxLKna5cZ2REBfFkg=="
	tests := []struct {
		members string
		kind    couch.Kind
	}{
		{`"data":"aGVsbG8=","encoding":"gzip"`, couch.BadRequest},
		{`"encoding":"gzip","data":"aGVsbG8=","digest":"` + hello + `"`, couch.BadRequest},
		{`"encoding":"gzip","data":""`, couch.BadRequest},
		{`"encoding":"gzip","data":"` + torn[:40] + `"`, couch.BadRequest},
		{`"data":"` + gzipped + `","encoding":"gzip","digest":"` + hello + `"`, couch.DigestMismatch},
		{`"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA==","encoding":"gzip","data":"` + gzipped + `"`, couch.DigestMismatch},
		{`"digest":"` + wire + `","encoding":"gzip","data":"aGVsbG8="`, couch.DigestMismatch},
	}
	for _, tt := range tests {
		r := docjson.NewReader(strings.NewReader(`{"_attachments":{"x":{` + tt.members + `}}}`))
		_, err := r.Document(docjson.Options{Store: storeBlob})
		if kindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.members, err)
		}
		if err := r.End(); err != nil {
			t.Errorf("%s ends the reading: %v", tt.members, err)
		}
	}
}

func TestBadAttachments(t *testing.T) {
	data := "Invalid attachment data for x"
	long := strings.Repeat("x", couch.MaxAttachmentName+1)
	tests := []struct{ text, reason string }{
		{`{"x":{}}`, data},
		{`{"x":{"data":5}}`, data},
		{`{"x":{"data":null}}`, data},
		{`{"x":{"data":"not base64"}}`, data},
		{`{"x":{"data":"aGVsbG8"}}`, data},
		{`{"x":{"data":"a"}}`, data},
		{`{"x":{"data":"a==="}}`, data},
		{`{"x":{"data":"="}}`, data},
		{`{"x":{"data":"YQ==YQ=="}}`, data},
		{`{"x":{"data":"YQ==="}}`, data},
		{`{"x":{"data":"YQ=a"}}`, data},
		{`{"x":{"data":"-_-_"}}`, data},
		{`{"x":{"data":"é"}}`, data},
		{`{"x":{"data":"aGVsbG8=","data":5}}`, data},
		{`{"x":{"stub":false}}`, data},
		{`{"x":{"stub":"yes"}}`, data},
		{`{"x":{"stub":true,"data":"aGVsbG8=","stub":false}}`, data},
		{`{"_under":{"data":"aGVsbG8="}}`, "Attachment name '_under' starts with prohibited character '_'"},
		{`{"x":{"data":"aGVsbG8=","content_type":5}}`, "Invalid attachment content_type for x"},
		{`{"x":{"stub":true,"digest":"md5-?"}}`, "Invalid attachment digest for x"},
		{`{"x":{"follows":true,"digest":"md5-AAAA"}}`, "Invalid attachment digest for x"},
		{`{"x":{"follows":true,"digest":5}}`, "Invalid attachment digest for x"},
		{`{"x":{"follows":true,"length":"2"}}`, "Invalid attachment length for x"},
		{`{"x":{"follows":true,"length":-2}}`, "Invalid attachment length for x"},
		{`{"x":{"follows":true,"length":2.0}}`, "Invalid attachment length for x"},
		{`{"x":{"length":2,"length":null,"follows":true}}`, "Invalid attachment length for x"},
		{`{"x":{"follows":true,"encoded_length":"2"}}`, "Invalid attachment encoded_length for x"},
		{`{"x":{"follows":true,"revpos":"x"}}`, "Invalid attachment revpos for x"},
		{`{"` + long + `":{"data":"aGVsbG8="}}`, "Attachment name is too long"},
		{`{"` + long + `":{"data":"?"}}`, "Attachment name is too long"},
		{`{"_` + long + `":{"stub":true}}`, "Attachment name is too long"},
		{`{"x":{"data":"aGVsbG8=","content_type":"` + long + `"}}`, "Attachment content_type is too long"},
		{`{"x":{"stub":true,"content_type":"` + long + `"}}`, "Attachment content_type is too long"},
		{`{"x":{"follows":true,"digest":"md5-?"}}`, "Invalid attachment digest for x"},
		{`{"x":{"follows":true,"encoding":"br"}}`, "Invalid attachment encoding for x"},
		{`{"x":{"data":"aGVsbG8=","encoding":"gzip","digest":"md5-?"}}`, "Invalid attachment digest for x"},
		{`{"x":{"digest":5,"data":"aGVsbG8=","encoding":"gzip"}}`, "Invalid attachment digest for x"},
		{`{"x":{"data":"not base64`, "invalid UTF-8 JSON"},
		{`{"x":{"data":"not base64\x"}}`, "invalid UTF-8 JSON"},
		{`{"x":{"data":"aGVs`, "invalid UTF-8 JSON"},
	}
	for _, tt := range tests {
		for _, store := range []docjson.Store{storeBlob, nil} {
			r := docjson.NewReader(strings.NewReader(`{"_attachments":` + tt.text + `}`))
			_, err := r.Document(docjson.Options{Store: store})
			if kindOf(err) != couch.BadRequest || err.Error() != tt.reason {
				t.Errorf("%s: %v, want %s", tt.text, err, tt.reason)
			}
		}
	}
}

// Whatever becomes of a document, content that no attachment of it holds is
// discarded.
func TestDiscard(t *testing.T) {
	gzipped, _ := packed("hello")
	tests := []struct {
		text string
		kept int // attachments whose content stays
		all  int // contents that were stored
	}{
		{`{"_attachments":{"a":{"data":"YQ=="},"b":{"data":"Yg=="}}}`, 2, 2},
		{`{"_attachments":{"a":{"data":"YQ=="},"a":{"data":"Yg=="}}}`, 1, 2},
		{`{"_attachments":{"a":{"data":"YQ==","data":"Yg=="}}}`, 1, 2},
		{`{"_attachments":{"a":{"data":"YQ==","stub":true}}}`, 0, 1},
		{`{"_attachments":{"a":{"data":"YQ==","follows":true}}}`, 0, 1},
		{`{"_attachments":{"a":{"stub":true,"data":"YQ=="}}}`, 0, 0},
		{`{"_attachments":{"a":{"data":"YQ=="}},"_attachments":{"b":{"data":"Yg=="}}}`, 1, 2},
		{`{"_attachments":{"a":{"data":"YQ=="}},"_foo":1}`, 0, 1},
		{`{"_attachments":{"` + strings.Repeat("a", couch.MaxAttachmentName+1) + `":{"data":"YQ=="}}}`, 0, 0},
		{`{"_attachments":{"a":{"data":"YQ=="}},"x":`, 0, 1},
		{`{"_attachments":{"a":{"data":"` + gzipped + `","encoding":"gzip"}}}`, 1, 2},
		{`{"_attachments":{"a":{"data":"` + gzipped + `","encoding":"gzip","stub":true}}}`, 0, 1},
		{`{"_attachments":{"a":{"data":"` + gzipped + `","encoding":"gzip"},"b":{"data":"YQ==","encoding":"gzip"}}}`, 0, 3},
		{`{"_attachments":{"a":{"data":"YQ=="},"b":{"data":"?"}}}`, 0, 1},
		{`{"_attachments":{"a":{"data":"YQ=="}},"s":"0123456789012345678901234567890123456789"}`, 0, 1},
	}
	for _, tt := range tests {
		var blobs []*blob
		doc, err := docjson.NewReader(strings.NewReader(tt.text)).Document(docjson.Options{MaxBody: 30, Store: func(name string, content io.Reader) (couch.Attachment, error) {
			a, err := storeBlob(name, content)
			if err == nil {
				blobs = append(blobs, a.Pending.(*blob))
			}
			return a, err
		}})
		kept := 0
		for _, b := range blobs {
			if b.discarded == 0 {
				kept++
			}
		}
		if kept != tt.kept || len(blobs) != tt.all {
			t.Errorf("%s: %d of %d contents kept, want %d of %d (%v)", tt.text, kept, len(blobs), tt.kept, tt.all, err)
		}
		if err != nil {
			continue
		}
		doc.Discard()
		for _, b := range blobs {
			if b.discarded == 0 {
				t.Errorf("%s: content left after Discard", tt.text)
			}
		}
	}
}

func TestStoreError(t *testing.T) {
	full := errors.New("full")
	for _, read := range []int64{0, 2, 100} {
		r := docjson.NewReader(strings.NewReader(`{"_attachments":{"a":{"data":"aGVsbG8="}}}`))
		_, err := r.Document(docjson.Options{Store: func(_ string, content io.Reader) (couch.Attachment, error) {
			_, _ = io.CopyN(io.Discard, content, read)
			return couch.Attachment{}, full
		}})
		if !errors.Is(err, full) || !errors.Is(r.End(), full) {
			t.Errorf("Store fails after %d bytes: %v", read, err)
		}
	}
	// A Store that stops early gets what it read; the rest is still checked.
	for text, want := range map[string]bool{"aGVsbG8=": true, "aGVsbG8?": false} {
		_, err := docjson.NewReader(strings.NewReader(`{"_attachments":{"a":{"data":"` + text + `"}}}`)).Document(docjson.Options{Store: func(_ string, content io.Reader) (couch.Attachment, error) {
			return couch.Attachment{}, nil
		}})
		if want != (err == nil) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Content streams: memory does not grow with it.
func TestLongContent(t *testing.T) {
	const size = 48 << 20
	src := io.MultiReader(strings.NewReader(`{"_attachments":{"a":{"data":"`), io.LimitReader(repeat('A'), size/3*4), strings.NewReader(`"}}}`))
	var got int64
	allocated := testing.AllocsPerRun(1, func() {
		doc, err := docjson.NewReader(src).Document(docjson.Options{MaxBody: 100, Store: func(_ string, content io.Reader) (couch.Attachment, error) {
			n, err := io.Copy(io.Discard, content)
			return couch.Attachment{Length: n}, err
		}})
		if err == nil && len(doc.Attachments) > 0 {
			got = doc.Attachments[0].Length
		}
		src = strings.NewReader(`{}`)
	})
	if got != size || allocated > 100 {
		t.Errorf("%d bytes with %v allocations, want %d", got, allocated, size)
	}
}

func FuzzBase64(f *testing.F) {
	f.Add("aGVs bG8=", uint8(3))
	f.Add("YQ==YQ==", uint8(1))
	f.Fuzz(func(t *testing.T, s string, n uint8) {
		if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' || c == '\ufffd' }) {
			return
		}
		want, wantErr := base64.StdEncoding.DecodeString(strings.ReplaceAll(s, " ", ""))
		var got []byte
		_, err := docjson.NewReader(strings.NewReader(`{"_attachments":{"a":{"data":"` + s + `"}}}`)).Document(docjson.Options{Store: func(_ string, content io.Reader) (couch.Attachment, error) {
			buf := make([]byte, int(n)+1)
			for {
				n, err := content.Read(buf)
				got = append(got, buf[:n]...)
				if err != nil {
					return couch.Attachment{}, ignoreEOF(err)
				}
			}
		}})
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
			t.Fatalf("%q: %q, %v; want %q, %v", s, got, err, want, wantErr)
		}
	})
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
