package layers

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Tree is the Go files of a module, parsed.
type Tree struct {
	module string
	files  []file
}

// file is what the checks need of one Go file, whatever its build constraints.
type file struct {
	path      string // within the module
	dir       string // its package
	name      string // the package's name
	test      bool
	generated bool
	lines     int
	comment   string // the package comment
	imports   []string
}

// Read parses the Go files of the module below fsys. Directories that the go
// command ignores are left out, as are modules inside this one.
func Read(fsys fs.FS, module string) (*Tree, error) {
	t := &Tree{module: module}
	err := walk(fsys, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(fsys, name)
		if err == nil {
			t.files = append(t.files, f)
		}
		return err
	})
	return t, err
}

// walk calls fn with each file that belongs to the module's sources.
func walk(fsys fs.FS, fn func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return fn(name)
		case name == ".":
			return nil
		case d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".git" || strings.HasPrefix(d.Name(), "_"):
			return fs.SkipDir
		}
		if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil {
			return fs.SkipDir
		}
		return nil
	})
}

func parse(fsys fs.FS, name string) (file, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{
		path:      name,
		dir:       path.Dir(name),
		name:      parsed.Name.Name,
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(parsed),
		lines:     bytes.Count(text, []byte("\n")),
		comment:   parsed.Doc.Text(),
	}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// within is the path inside the module of an imported package of it.
func (t *Tree) within(imported string) (string, bool) {
	if imported == t.module {
		return ".", true
	}
	return strings.CutPrefix(imported, t.module+"/")
}
