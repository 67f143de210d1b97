package layers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// How long sources may get, in lines: both are first lengths that are too long.
const (
	FileLines    = 700
	PackageLines = 3000 // without tests
)

// Comments lists the packages without a package comment that begins with their
// name ("Package x", or "Command x" for a command).
func (t *Tree) Comments() []string {
	packages := map[string]string{} // directory -> what is wrong
	for _, f := range t.files {
		if f.name == "main" && f.comment != "" {
			packages[f.dir] = ""
		}
		name := strings.TrimSuffix(f.name, "_test")
		if strings.HasPrefix(f.comment, "Package "+name+" ") {
			packages[f.dir] = ""
		} else if _, seen := packages[f.dir]; !seen {
			packages[f.dir] = fmt.Sprintf("%s: no file has a package comment that begins with %q", f.dir, "Package "+name)
		}
	}
	wrong := slices.Sorted(maps.Values(packages))
	return slices.DeleteFunc(wrong, func(s string) bool { return s == "" })
}

// Sizes lists the files and the packages that are too long; generated files do
// not count.
func (t *Tree) Sizes() []string {
	var wrong []string
	packages := map[string]int{}
	for _, f := range t.files {
		if f.generated {
			continue
		}
		if f.lines >= FileLines {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines; a file has less than %d", f.path, f.lines, FileLines))
		}
		if !f.test {
			packages[f.dir] += f.lines
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if packages[dir] >= PackageLines {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines; a package has less than %d", dir, packages[dir], PackageLines))
		}
	}
	return wrong
}
