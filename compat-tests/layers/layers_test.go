package layers_test

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"settle/compat-tests/layers"
	"settle/compat-tests/settletest"

	"github.com/google/go-cmp/cmp"
)

func settleFS(t *testing.T) fs.FS {
	t.Helper()
	root, err := settletest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return os.DirFS(root)
}

func read(t *testing.T, fsys fs.FS) *layers.Tree {
	t.Helper()
	tree, err := layers.Read(fsys, "settle")
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func none(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

func TestImports(t *testing.T)  { none(t, read(t, settleFS(t)).Imports(layers.Settle())) }
func TestComments(t *testing.T) { none(t, read(t, settleFS(t)).Comments()) }
func TestSizes(t *testing.T)    { none(t, read(t, settleFS(t)).Sizes()) }

func TestWords(t *testing.T) {
	rules := append(layers.Words(), layers.Hosts(os.Getenv("GOPROXY"), os.Getenv("npm_config_registry"))...)
	wrong, err := layers.Find(settleFS(t), rules)
	if err != nil {
		t.Fatal(err)
	}
	none(t, wrong)
}

// TestTable wants a row to allow only what stands above it.
func TestTable(t *testing.T) {
	above := map[string]bool{}
	for _, r := range layers.Settle().Rooms {
		for _, other := range r.Rooms {
			if !above[other] {
				t.Errorf("%s may import %s, which does not stand above it", r.Path, other)
			}
		}
		if above[r.Path] {
			t.Errorf("%s has two rows", r.Path)
		}
		above[r.Path] = true
	}
}

// source is a Go file with the imports.
func source(name string, imports ...string) *fstest.MapFile {
	text := fmt.Sprintf("// Package %s is made up.\npackage %s\n", name, name)
	for _, imported := range imports {
		text += fmt.Sprintf("import _ %q\n", imported)
	}
	return &fstest.MapFile{Data: []byte(text)}
}

func TestImportsOfASyntheticTree(t *testing.T) {
	tests := []struct {
		file    string
		imports string
		wrong   string // "" for none
	}{
		{"storage/couch/a.go", "strings", ""},
		{"storage/couch/a.go", "settle/storage/couch", ""},
		{"storage/couch/a.go", "golang.org/x/text/unicode/norm", "may import none only"},
		{"storage/couch/a.go", "settle/storage/revtree", "stands below"},
		{"storage/docjson/a.go", "settle/storage/couch", ""},
		{"storage/docjson/a.go", "settle/storage/revtree", "stands below"},
		{"storage/revtree/a.go", "settle/storage/docjson", "may import storage/couch only"},
		{"storage/collate/a.go", "golang.org/x/text/collate", ""},
		{"storage/collate/a.go", "golang.org/x/textual", "may import golang.org/x/text only"},
		{"storage/collate/a.go", "settle/storage/couch", "may import none only"},
		{"storage/crypt/a.go", "github.com/cockroachdb/pebble/v2/vfs", ""},
		{"storage/crypt/a.go", "github.com/cockroachdb/pebble/v2", "of other modules"},
		{"storage/kv/pebble/a.go", "github.com/cockroachdb/pebble/v2", ""},
		{"storage/kv/kvtest/a.go", "github.com/google/go-cmp/cmp", ""},
		{"storage/kv/a.go", "settle/storage/kv/kvtest", "stands below"},
		{"storage/kv/a_test.go", "settle/storage/kv/kvtest", ""},
		{"storage/kv/a.go", "github.com/google/go-cmp/cmp", "of other modules"},
		{"storage/kv/a.go", "settle/storage/couch", "may import storage/crypt only"},
		{"attachments/a.go", "settle/attachments/multipart", "stands below"},
		{"attachments/multipart/a.go", "settle/attachments", "may import storage/couch only"},
		{"storage/a.go", "settle/attachments/multipart", ""},
		{"storage/a.go", "settle/storage/schema", ""},
		{"storage/a.go", "settle/storage/check", "stands below"},
		{"storage/a_test.go", "settle/storage/check", ""},
		{"storage/schema/a.go", "settle/attachments", "stands below"},
		{"storage/check/a.go", "settle/storage/seqcount", "storage/check may import"},
		{"storage/check/a.go", "settle/storage", "storage/check may import"},
		{"storage/check/a_test.go", "settle/storage", ""},
		{"storage/a.go", "settle/storage/mango", "stands below"},
		{"storage/a.go", "settle/server", "stands below"},
		{"storage/a.go", "settle/storage/unknown", "no row"},
		{"storage/unknown/a.go", "strings", "no row"},
		{"unknown/a.go", "strings", "no row"},
		{"storage/a.go", "settle/unknown", "no row"},
		{"storage/design/a.go", "modernc.org/quickjs", ""},
		{"storage/design/a.go", "settle/storage", "may import storage/couch only"},
		{"storage/view/a.go", "modernc.org/quickjs", "only storage/design may"},
		{"storage/view/a.go", "settle/storage/mango", ""},
		{"cmd/settle/a.go", "modernc.org/quickjs", "only storage/design may"},
		{"cmd/settle/a_test.go", "modernc.org/quickjs/lib", "only storage/design may"},
		{"cmd/settle/a.go", "github.com/alecthomas/kong", ""},
		{"cmd/settle/a.go", "settle/server/documents", ""},
		{"server/documents/a.go", "settle/server/auth", ""},
		{"server/documents/a.go", "settle/cmd/settle", "stands below"},
		{"server/auth/a.go", "settle/server/documents", "stands below"},
		{"replication/a.go", "settle/storage", "may import storage/couch, storage/docjson, attachments only"},
		{"replication/a_test.go", "settle/storage", ""},
		{"storage/couch/a_test.go", "github.com/google/go-cmp/cmp", ""},
		{"storage/couch/a_test.go", "settle/storage", "stands below"},
		{"storage/couch/testdata/a.go", "settle/storage", ""},
		{"storage/couch/_old/a.go", "settle/storage", ""},
		{"storage/couch/a_windows.go", "settle/storage", "stands below"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.imports, func(t *testing.T) {
			tree := fstest.MapFS{tt.file: source("x", tt.imports)}
			wrong := strings.Join(read(t, tree).Imports(layers.Settle()), "\n")
			if (wrong != "") != (tt.wrong != "") || !strings.Contains(wrong, tt.wrong) {
				t.Errorf("got %q, want %q", wrong, tt.wrong)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	if _, err := layers.Read(fstest.MapFS{"a/a.go": {Data: []byte("package a\nimport (")}}, "settle"); err == nil {
		t.Error("a file that does not parse is accepted")
	}
}

func TestReadLeavesOtherModulesOut(t *testing.T) {
	tree := fstest.MapFS{"go.mod": {}, "other/go.mod": {}, "other/a.go": source("x", "settle/none")}
	none(t, read(t, tree).Imports(layers.Settle()))
}

func TestCommentsOfASyntheticTree(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	tree := fstest.MapFS{
		"good/a.go":       file("package good"),
		"good/doc.go":     file("// Package good is described.\npackage good"),
		"cmd/main.go":     file("// Settle is a server.\npackage main"),
		"bare/a.go":       file("package bare"),
		"apart/a.go":      file("// Package apart is apart.\n\npackage apart"),
		"other/a.go":      file("// Package another is misnamed.\npackage other"),
		"tests/a_test.go": file("// Package tests holds tests.\npackage tests_test"),
		"main/main.go":    file("package main"),
	}
	var got []string
	for _, w := range read(t, tree).Comments() {
		dir, _, _ := strings.Cut(w, ":")
		got = append(got, dir)
	}
	if diff := cmp.Diff([]string{"apart", "bare", "main", "other"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSizesOfASyntheticTree(t *testing.T) {
	lines := func(head string, n int) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(head + "package x\n" + strings.Repeat("\n", n-1-strings.Count(head, "\n")))}
	}
	tree := fstest.MapFS{
		"file/a.go":      lines("", 699),
		"file/b.go":      lines("", 700),
		"file/c_test.go": lines("", 701),
		"file/d.go":      lines("// Code generated by a test. DO NOT EDIT.\n", 9000),
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		tree["package/"+name+".go"] = lines("", 600)
		tree["tests/"+name+"_test.go"] = lines("", 600)
	}
	want := []string{
		"file/b.go: 700 lines; a file has less than 700",
		"file/c_test.go: 701 lines; a file has less than 700",
		"package: 3000 lines; a package has less than 3000",
	}
	if diff := cmp.Diff(want, read(t, tree).Sizes()); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	rules := append(layers.Words(), layers.Hosts("https://goproxy.invalid/x,direct", "off", "http://npm.invalid:8080")...)
	tests := []struct {
		name, text string
		want       int
	}{
		{"a.go", "// a stub, as in CouchDB; store the rest\n", 0},
		{"a.go", "// TO" + "DO: more\n", 1},
		{"a.go", "\n// good enough for " + "now.\n// Fix" + "me\n", 2},
		{"a.go", "// X" + "XX\n", 1},
		{"a.go", "x" + "xx := 1\n", 0},
		{"a.json", "\"to" + "do\"\n", 0},
		{"a.json", "the C" + "EO\n", 1},
		{"Makefile", "# ha" + "ck\n", 1},
		{"a_test.go", "home := \"/" + "home/u/x\"\n", 0},
		{".ci/run", "cd /" + "home/me/x\n", 1},
		{"a.md", "see https://x.invalid/home/x and a/work/b\n", 0},
		{"a.md", "curl https://goproxy.invalid/y http://npm.invalid:8080\n", 1},
		{"a.md", "https://proxy.golang" + ".org\n", 1},
		{"go.sum", "https://proxy.golang" + ".org\n", 0},
		{"x/testdata/a.go", "// TO" + "DO\n", 0},
		{"a.bin", "\x00 C" + "EO\n", 0},
	}
	for _, tt := range tests {
		wrong, err := layers.Find(fstest.MapFS{tt.name: {Data: []byte(tt.text)}}, rules)
		if err != nil || len(wrong) != tt.want {
			t.Errorf("%s %q: %v %v, want %d", tt.name, tt.text, wrong, err, tt.want)
		}
	}
	if got := layers.Hosts("direct", ""); got != nil {
		t.Errorf("Hosts = %v", got)
	}
}
