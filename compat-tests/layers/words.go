package layers

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Rule is a text that must not be in files of some kinds.
type Rule struct {
	Pattern *regexp.Regexp
	Why     string
	Kinds   []string // file extensions, or whole names of files that have none; none: every text file
}

// Words is what must not be in the sources. The patterns are put together from
// pieces, so that they do not match themselves.
func Words() []Rule {
	code := []string{".go", ".js", ".mjs", ".sh", ".md", "Makefile"}
	return []Rule{
		{regexp.MustCompile(`(?i)\b(` + strings.Join([]string{"to" + "do", "fix" + "me", "(?-i:X" + "XX)", "ha" + "ck",
			"stub(bed)? " + "out", "not (yet )?" + "implemented", "for " + "now", "simplified " + "version", "in a " + "real"}, "|") + `)\b`),
			"marks something unfinished", code},
		{regexp.MustCompile(`(?i)\b(this ` + `session|c` + `eo|developers.? ` + `session|as an ` + `ai|language ` + `model)\b`),
			"speaks of how the project is made", nil},
		// a user of one letter is made up
		{regexp.MustCompile(`(^|[\s"'=(:])/((home|Users)/\w{2}|(root|work|workspace)/\w)`), "is a path of one machine", nil},
		{regexp.MustCompile(`proxy\.golang` + `\.org|registry\.npmjs` + `\.org`), "is a package registry's address", nil},
	}
}

// Hosts is the rule against the registries that this machine is set up to use,
// from the values of GOPROXY, npm_config_registry and the like; nil if they name none.
func Hosts(settings ...string) []Rule {
	var hosts []string
	for _, setting := range settings {
		for _, m := range regexp.MustCompile(`https?://([^/,|\s]+)`).FindAllStringSubmatch(setting, -1) {
			hosts = append(hosts, regexp.QuoteMeta(m[1]))
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	return []Rule{{regexp.MustCompile(strings.Join(hosts, "|")), "is a package registry's address", nil}}
}

// Find lists the lines of the module's text files that break a rule.
func Find(fsys fs.FS, rules []Rule) ([]string, error) {
	var wrong []string
	err := walk(fsys, func(name string) error {
		if path.Base(name) == "go.sum" || path.Base(name) == "LICENSE" {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
			return err
		}
		number := 0
		for line := range bytes.Lines(text) {
			number++
			for _, r := range rules {
				if m := r.Pattern.Find(line); m != nil && r.covers(name) {
					wrong = append(wrong, fmt.Sprintf("%s:%d: %q %s", name, number, bytes.TrimSpace(m), r.Why))
				}
			}
		}
		return nil
	})
	return wrong, err
}

func (r Rule) covers(name string) bool {
	kind := path.Ext(name)
	if kind == "" {
		kind = path.Base(name)
	}
	return len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind)
}
