package settletest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// built is the binary of this test run; Main removes its directory.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Main runs the tests and removes the binary that they had built. It returns
// the status to exit with.
func Main(m *testing.M) int {
	status := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}

// Binary is the path of the settle binary: the one that SETTLE_BINARY names, or
// else one that is built from this module, statically, on the first call.
func Binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("SETTLE_BINARY"); path != "" {
		return path
	}
	built.once.Do(func() { built.path, built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func build() (string, error) {
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	if err := readSources(root); err != nil {
		return "", err
	}
	if built.dir, err = os.MkdirTemp("", "settletest-*"); err != nil {
		return "", err
	}
	path := filepath.Join(built.dir, "settle")
	cmd := exec.Command("go", "build", "-o", path, "settle/cmd/settle")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building settle: %w\n%s", err, out)
	}
	return path, nil
}

// readSources looks at every source file of the module. The go command keeps
// test results until a file that the test looked at changes, and it cannot know
// that this test depends on what another process compiles.
func readSources(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "node_modules", "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		if name := d.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") || name == "go.mod" || name == "go.sum" {
			_, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile; the build says what is missing
			}
			return err
		}
		return nil
	})
}

// ModuleRoot is the directory of the go.mod above the working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}
