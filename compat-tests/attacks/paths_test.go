package attacks_test

import (
	"strings"
	"testing"
)

// tricks are ways to write a path so that one part of a server may take it for
// another than the next does.
var tricks = []struct {
	name  string
	write func(path string) string
}{
	{"doubled slashes", func(p string) string { return strings.ReplaceAll(p, "/", "//") }},
	{"many slashes", func(p string) string { return "////" + p + "///" }},
	{"final slash", func(p string) string { return p + "/" }},
	{"single dots", func(p string) string { return strings.ReplaceAll(p, "/", "/./") }},
	{"escaped dots", func(p string) string { return strings.ReplaceAll(p, "/", "/%2e/") }},
	{"through a public path", func(p string) string { return "/_up/.." + p }},
	{"through a public path, escaped", func(p string) string { return "/_up/%2e%2e" + p }},
	{"through a public path, all escaped", func(p string) string { return "/_up%2f%2e%2e" + strings.ReplaceAll(p, "/", "%2f") }},
	{"through a public path, escaped twice", func(p string) string { return "/_up/%252e%252e" + p }},
	{"through the session", func(p string) string { return "/_session/.." + p }},
	{"through the uuids", func(p string) string { return "/_uuids/..;" + p }},
	{"through a readable database", func(p string) string { return "/lobby/.." + p }},
	{"through a readable document", func(p string) string { return "/lobby/_design/d/../../.." + p }},
	{"through a readable database, escaped", func(p string) string { return "/lobby/%2E%2E" + p }},
	{"through a readable database, slashes escaped", func(p string) string { return "/lobby%2f..%2f" + strings.TrimPrefix(p, "/") }},
	{"through a checkpoint", func(p string) string { return "/lobby/_local/../.." + p }},
	{"through metadata", func(p string) string { return "/_metadata/lobby/../.." + p }},
	{"through metadata, escaped", func(p string) string { return "/_metadata/lobby%2f..%2f.." + p }},
	{"above the root", func(p string) string { return "/../.." + p }},
	{"escaped slashes", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%2f") }},
	{"all slashes escaped", func(p string) string { return strings.ReplaceAll(p, "/", "/%2F") }},
	{"slashes escaped twice", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%252f") }},
	{"escaped underscores", func(p string) string { return strings.ReplaceAll(p, "_", "%5f") }},
	{"underscores escaped twice", func(p string) string { return strings.ReplaceAll(p, "_", "%255f") }},
	{"every letter escaped", escapeLetters},
	{"capitals", strings.ToUpper},
	{"backslashes", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", `\`) }},
	{"escaped backslashes", func(p string) string { return "/lobby/..%5c.." + strings.ReplaceAll(p, "/", "%5c") }},
	{"a NUL behind", func(p string) string { return p + "%00" }},
	{"a NUL before", func(p string) string { return "/%00" + p[1:] }},
	{"a NUL and a suffix", func(p string) string { return p + "%00.json" }},
	{"a space behind", func(p string) string { return p + "%20" }},
	{"a plus behind", func(p string) string { return p + "+" }},
	{"a tab before", func(p string) string { return "/%09" + p[1:] }},
	{"a line break", func(p string) string { return p + "%0d%0a" }},
	{"parameters of a path", func(p string) string { return strings.ReplaceAll(p[1:]+";x=1", "/", ";x=1/") }},
	{"parameters before", func(p string) string { return "/;x" + p }},
	{"an escaped query", func(p string) string { return p + "%3fx" }},
	{"a fragment", func(p string) string { return "/_up#/.." + p }},
	{"an escaped fragment", func(p string) string { return p + "%23" }},
	{"overlong dots", func(p string) string { return "/lobby/%c0%ae%c0%ae" + p }},
	{"overlong slashes", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%c0%af") }},
	{"wide slashes", func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%ef%bc%8f") }},
	{"a broken escape", func(p string) string { return p + "%" }},
	{"a whole URL", func(p string) string { return "http://fort.example" + p }},
	{"a whole URL with a user", func(p string) string { return "http://admin:pass2@fort.example" + p }},
	{"a whole URL with dots", func(p string) string { return "http://fort.example/_up/.." + p }},
	{"a URL without a scheme", func(p string) string { return "//fort.example" + p }},
	{"no slash", func(p string) string { return p[1:] }},
	{"a path in the query", func(p string) string { return "/_up?/.." + p }},
}

func escapeLetters(path string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case c == '?':
			return b.String() + path[i:]
		case c == '/':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// onPath rewrites the path of a target, and leaves its query.
func onPath(write func(string) string, target string) string {
	path, query, asked := strings.Cut(target, "?")
	path = write(path)
	if asked {
		path += "?" + query
	}
	return path
}

// TestPaths writes the path of every protected request in every odd way. It must
// be refused, unless it leads to something public, which must be nothing else.
func TestPaths(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, trick := range tricks {
		var hidden, public []attempt
		for i, a := range protected() {
			odd := a.at(onPath(trick.write, a.path))
			try := odd.as([]person{anonymous, eve}[i%2], a.header()...)
			try.name = trick.name + ": " + try.name
			if isPublic(odd.path) {
				public = append(public, try)
			} else {
				hidden = append(hidden, try)
			}
		}
		f.refused(hidden...)
		f.harmless(public...)
	}
}

// isPublic reports whether a path begins with one that everybody may ask for, and
// that answers whatever stands behind it.
func isPublic(path string) bool {
	path = "/" + strings.TrimLeft(strings.TrimPrefix(path, "http://fort.example"), "/")
	for _, public := range []string{"/_up", "/_session", "/_uuids"} {
		if path == public || strings.HasPrefix(path, public+"/") || strings.HasPrefix(path, public+"?") || strings.HasPrefix(path, public+"#") {
			return true
		}
	}
	return false
}

// TestPathsLeadToOneThing wants bob, who may read a document, to reach it where
// the same path in another form is the same by CouchDB's rules, and elsewhere not.
func TestPathsLeadToOneThing(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for path, status := range map[string]int{
		"/vault/gold":                     200,
		"//vault//gold/":                  200,
		"/%76ault/%67old":                 200,
		"http://fort.example/vault/gold":  200,
		"/vault/gold%00":                  404,
		"/vault%2fgold":                   404,
		"/vault/./gold":                   404,
		"/vault/x/../gold":                404,
		"/vault/%2e%2e/vault/gold":        404,
		"/vault/gold%20":                  404,
		"/vault/%2567old":                 404,
		"/vault\\gold":                    404,
		"/lobby/../vault/gold":            404,
		"/lobby%2f..%2fvault/gold":        404,
		"/_metadata/lobby/../vault/gold":  404,
		"/vault/GOLD":                     404,
		"/VAULT/gold":                     404,
		"http://fort.example/x/../vault/": 404,
	} {
		if a := f.ask(ask{"GET", path, ""}.as(bob).text); a.status != status && !(status == 404 && a.status >= 400) {
			t.Errorf("GET %s: %d %s, want %d", path, a.status, a.body, status)
		}
	}
}
