package storage_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	iofs "io/fs"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
)

// planted are words that a user stores, by where they are put.
var planted = map[string]string{
	"database":        "plantedname",
	"id":              "planted-document-id",
	"field":           "plantedField",
	"value":           "planted value of a field",
	"attachment name": "planted-attachment.txt",
	"content type":    "text/x-planted-type",
	"small content":   "planted small content",
	"large content":   "planted large content",
	"local id":        "planted-local-id",
	"local body":      "planted local body",
	"security":        "planted-member",
	"revision":        "planted-revision",
	"setting":         "planted setting",
	"index":           "planted-index",
	"index key":       "planted index key",
	"index value":     "planted index value",
	"upload":          "planted uploaded content",
	"upload metadata": "planted upload metadata",
	"owner":           "planted-owner",
	"deliverer":       "planted-deliverer",
	"delivery":        "planted-delivery",
	"delivered":       "planted delivered content",
}

// TestNothingReadable stores planted words in every place and looks for them in
// every file, open and closed, in the usual encodings.
func TestNothingReadable(t *testing.T) {
	b := newBench(t)
	plant(t, b)
	for _, state := range []string{"running", "closed"} {
		if state == "closed" {
			b.close()
			defer b.open()
		}
		for _, path := range blobFiles(t, b.fs, "data") {
			raw, err := readIfThere(b.fs, path)
			if err != nil {
				t.Fatal(err)
			}
			for where, word := range planted {
				if how := readable(raw, word); how != "" {
					t.Errorf("%s: %s shows the planted %s, %s", state, path, where, how)
				}
			}
		}
	}
}

func plant(t *testing.T, b *bench) {
	t.Helper()
	ctx := context.Background()
	db := b.create(planted["database"])
	body := `{"` + planted["field"] + `":"` + planted["value"] + `"}`
	large := strings.Repeat(planted["large content"]+" ", 20_000)
	rev := mustPut(t, db, planted["id"], "", body,
		blob(t, db, planted["attachment name"], planted["content type"], planted["small content"]),
		blob(t, db, "large", "text/plain", large))
	mustPut(t, db, planted["id"], rev, body)
	push(t, db, "replicated", false, 2, []string{planted["revision"], "x"}, body)
	local := couch.DocID("_local/" + planted["local id"])
	if _, err := db.PutLocal(ctx, &couch.LocalDocument{ID: local, Body: couch.Body{Text: []byte(`{"a":"` + planted["local body"] + `"}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := db.SetSecurity(ctx, []byte(`{"members":{"names":["`+planted["security"]+`"]}}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.store.SetSetting(ctx, "x", []byte(planted["setting"])); err != nil {
		t.Fatal(err)
	}
	if err := setIndexRow(db, openIndex(t, db, planted["index"]), planted["index key"], planted["index value"]); err != nil {
		t.Fatal(err)
	}
	plantArrivals(t, db)
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
}

// readable says how a file shows a word, or nothing.
func readable(raw []byte, word string) string {
	if bytes.Contains(raw, []byte(word)) {
		return "plain"
	}
	if bytes.Contains(bytes.ToLower(raw), []byte(hex.EncodeToString([]byte(word)))) {
		return "in hexadecimal"
	}
	for shift := range 3 {
		// Without its ends, which depend on the bytes around the word.
		coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + word))
		if bytes.Contains(raw, []byte(coded[4:len(coded)-4])) {
			return "in base64"
		}
	}
	for at := range raw {
		if !bytes.HasPrefix(raw[at:], []byte{0x1f, 0x8b, 8}) {
			continue
		}
		if z, err := gzip.NewReader(bytes.NewReader(raw[at:])); err == nil {
			if plain, _ := io.ReadAll(z); bytes.Contains(plain, []byte(word)) {
				return "compressed"
			}
		}
	}
	return ""
}

func TestReadableFindsWords(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "some planted word here")
	z.Close()
	word := "planted word"
	for want, raw := range map[string]string{
		"plain":          "some planted word here",
		"in hexadecimal": hex.EncodeToString([]byte("some planted word here")),
		"in base64":      base64.StdEncoding.EncodeToString([]byte("some planted word here")),
		"compressed":     "x" + zipped.String(),
		"":               "another word",
	} {
		if got := readable([]byte(raw), word); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func readFile(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	raw, err := readIfThere(fs, path)
	if err != nil || raw == nil {
		t.Fatalf("%s: %v", path, err)
	}
	return raw
}

// readIfThere reads a file; nil for one that the running engine has removed.
func readIfThere(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	return append([]byte{}, raw...), err
}

func writeFile(t testing.TB, fs vfs.FS, path string, raw []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
