package crash_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"settle/compat-tests/settletest"
)

// planted are words that a user stores, by where they are put.
var planted = map[string]string{
	"database":        "plantedname",
	"id":              "planted-document-id",
	"field":           "plantedField",
	"value":           "planted value of a field",
	"attachment name": "planted-attachment.txt",
	"content":         "planted content of an attachment",
	"local id":        "planted-local-id",
	"local value":     "planted local value",
	"upload":          "planted content of an upload",
	"upload metadata": "cGxhbnRlZCBmaWxlIG5hbWU=",
	"delivery":        "planted-delivery-id",
	"view's key":      "planted key of a view",
	"view's value":    "planted value of a view",
	"view's name":     "planted-view",
	"password":        settletest.AdminName + ":" + settletest.AdminPassword,
}

// TestNothingReadable stores planted words by every way in that the API has, and
// looks for them in every file of the data and temporary directories: while the
// server runs, after it was killed, and after it ended.
func TestNothingReadable(t *testing.T) {
	tmp := t.TempDir()
	s := settletest.Start(t, settletest.Options{Env: []string{"TMPDIR=" + tmp}})
	c := client{s.AdminURL()}
	plant(t, c)
	search(t, "running", s.Dir(), tmp)
	s.Kill()
	search(t, "killed", s.Dir(), tmp)
	s.Restart()
	c.must(t, http.StatusOK, "GET", "/"+planted["database"]+"/"+planted["id"], "")
	s.Stop()
	search(t, "ended", s.Dir(), tmp)
}

func plant(t *testing.T, c client) {
	t.Helper()
	db := "/" + planted["database"]
	value := fmt.Sprintf(`"%s":"%s"`, planted["field"], planted["value"])
	large := bytes.Repeat([]byte(planted["content"]+" "), 10_000)
	c.must(t, http.StatusCreated, "PUT", db, "")
	a := c.must(t, http.StatusCreated, "PUT", db+"/"+planted["id"], "{"+value+"}")
	c.must(t, http.StatusCreated, "PUT", fmt.Sprintf("%s/%s/%s?rev=%s", db, planted["id"], planted["attachment name"], a.body["rev"]), string(large))
	c.must(t, http.StatusCreated, "PUT", db+"/_local/"+planted["local id"], fmt.Sprintf(`{"x":"%s"}`, planted["local value"]))
	inline := base64.StdEncoding.EncodeToString([]byte(planted["content"]))
	c.must(t, http.StatusCreated, "POST", db+"/_bulk_docs", fmt.Sprintf(
		`{"docs":[{"_id":"%s 2",%s,"_attachments":{"%s":{"content_type":"text/plain","data":"%s"}}}]}`,
		planted["id"], value, planted["attachment name"], inline))
	plantIndexes(t, c, db)
	boundary := "planted-boundary"
	related := fmt.Sprintf("--%s\r\nContent-Type: application/json\r\n\r\n"+
		`{%s,"_attachments":{"%s":{"follows":true,"content_type":"text/plain","length":%d}}}`+
		"\r\n--%s\r\n\r\n%s\r\n--%s--", boundary, value, planted["attachment name"], len(large), boundary, large, boundary)
	req, err := http.NewRequest("PUT", c.url+db+"/related", bytes.NewReader([]byte(related)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "multipart/related; boundary="+boundary)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("multipart: %v, %v", res, err)
	}
	res.Body.Close()
}

// plantIndexes makes an index of a view and one of Mango, and has both built.
func plantIndexes(t *testing.T, c client, db string) {
	t.Helper()
	c.must(t, http.StatusCreated, "PUT", db+"/_design/d", fmt.Sprintf(
		`{"views":{"%s":{"map":"function (doc) { emit(\"%s\", \"%s\"); }"}}}`,
		planted["view's name"], planted["view's key"], planted["view's value"]))
	rows := c.must(t, http.StatusOK, "GET", db+"/_design/d/_view/"+planted["view's name"], "").body["rows"]
	if rows, _ := rows.([]any); len(rows) == 0 {
		t.Errorf("the view has the rows %v", rows)
	}
	c.must(t, http.StatusOK, "POST", db+"/_index", fmt.Sprintf(`{"index":{"fields":["%s"]}}`, planted["field"]))
	found := c.must(t, http.StatusOK, "POST", db+"/_find", fmt.Sprintf(`{"selector":{"%s":"%s"},"execution_stats":true}`, planted["field"], planted["value"])).body
	if docs, _ := found["docs"].([]any); len(docs) == 0 || found["warning"] != nil {
		t.Errorf("the index finds %v", found)
	}
}

// search fails the test for every file that shows a planted word.
func search(t *testing.T, state string, dirs ...string) {
	t.Helper()
	files := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // it was removed meanwhile
			}
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil
			}
			files++
			for where, word := range planted {
				if shows(raw, word) || shows([]byte(path), word) {
					t.Errorf("%s: %s shows the planted %s", state, path, where)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 3 {
		t.Errorf("%s: only %d files were searched", state, files)
	}
}

// shows reports whether a word stands in raw, plainly, in hexadecimal, in base64, or
// compressed by gzip.
func shows(raw []byte, word string) bool {
	forms := []string{word, hex.EncodeToString([]byte(word))}
	for shift := range 3 {
		coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), word...))
		forms = append(forms, coded[4:len(coded)-4]) // without what depends on its neighbours
	}
	for _, form := range forms {
		if bytes.Contains(raw, []byte(form)) {
			return true
		}
	}
	for at := range raw {
		if !bytes.HasPrefix(raw[at:], []byte{0x1f, 0x8b, 8}) {
			continue
		}
		if z, err := gzip.NewReader(bytes.NewReader(raw[at:])); err == nil {
			if plain, _ := io.ReadAll(z); bytes.Contains(plain, []byte(word)) {
				return true
			}
		}
	}
	return false
}

func TestShows(t *testing.T) {
	const word = "planted word"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprintf(z, "some %s here", word)
	z.Close()
	for text, want := range map[string]bool{
		"some " + word + " here": true, hex.EncodeToString([]byte(word)): true,
		base64.StdEncoding.EncodeToString([]byte("x" + word + " here")): true,
		"x" + zipped.String(): true, "another word": false,
	} {
		if shows([]byte(text), word) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
