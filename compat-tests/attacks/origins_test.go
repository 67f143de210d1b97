package attacks_test

import (
	"fmt"
	"strings"
	"testing"
)

const home = "https://app.example"

// foreign are the origins of pages that must not read answers.
var foreign = []string{
	"https://evil.example", "null", "http://app.example", "https://app.example:444", "https://app.example.evil.example", "https://evilapp.example",
	"https://app.example@evil.example", "HTTPS://APP.EXAMPLE", "https://app.example/", "https://app", "app.example", "*", "https://*.example", "file://",
	home + " https://evil.example", home + ",https://evil.example", "https://evil.example, " + home, home + "\t", home + "%00", "https://app.exampl",
}

// TestForeignOrigins wants no page of another origin to read an answer, or to be
// let send more than a form could.
func TestForeignOrigins(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("chttpd/enable_cors", "true")
	f.configure("cors/credentials", "true")
	f.configure("cors/origins", home+",https://other.example")
	preflight := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, content-type"}
	if a := f.ask(request("OPTIONS", "/vault/gold", "", append([]string{"Origin: " + home}, preflight...)...)); a.header.Get("Access-Control-Allow-Origin") != home {
		t.Fatalf("home itself: %d %v", a.status, a.header)
	}
	for _, origin := range foreign {
		for _, text := range []string{
			request("OPTIONS", "/vault/gold", "", append([]string{"Origin: " + origin}, preflight...)...),
			request("GET", "/vault/gold", "", append([]string{"Origin: " + origin}, bob.headers()...)...),
			request("GET", "/vault/gold", "", "Origin: "+origin),
			request("GET", "/vault/gold", "", append([]string{"Origin: " + origin, "Origin: " + home}, bob.headers()...)...),
			request("GET", "/vault/gold", "", append([]string{"Origin: " + home, "Origin: " + origin}, bob.headers()...)...),
			request("POST", "/vault/gold", "", append([]string{"Origin: " + origin, "X-HTTP-Method-Override: OPTIONS"}, preflight...)...),
		} {
			if strings.TrimSpace(origin) == home {
				continue // what surrounds a header's value is none of it
			}
			a := f.ask(text)
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("origin %q: %.20q is answered by %s: %s", origin, text, name, a.header.Get(name))
				}
			}
		}
	}
}

// TestOriginsAreOff wants no page at all to read answers before an administrator
// has said so.
func TestOriginsAreOff(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, origin := range append(foreign, home) {
		a := f.ask(request("GET", "/vault/gold", "", append([]string{"Origin: " + origin}, bob.headers()...)...))
		if allowed := a.header.Get("Access-Control-Allow-Origin"); allowed != "" {
			t.Errorf("origin %q: allowed is %q", origin, allowed)
		}
	}
}

// TestForgedForms makes the requests that a page of another origin can make
// without asking, as the browser of the database's administrator, who is logged in
// by a cookie, would send them.
func TestForgedForms(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("chttpd/enable_cors", "true")
	f.configure("cors/origins", home)
	for _, p := range []person{boss, f.admin} {
		a := f.ask(request("POST", "/_session", fmt.Sprintf(`{"name":"%s","password":"%s"}`, p.name, p.password), "Content-Type: application/json"))
		value, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
		if value == "" {
			t.Fatalf("logging in: %d %s", a.status, a.body)
		}
		rev := f.must("GET", "/vault/gold", "")["_rev"]
		form := "--b\r\nContent-Disposition: form-data; name=\"_rev\"\r\n\r\n" + fmt.Sprint(rev) +
			"\r\n--b\r\nContent-Disposition: form-data; name=\"_attachments\"; filename=\"x.html\"\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n"
		for _, kind := range []string{
			"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain; charset=application/json",
			"text/plain, application/json", "", "text/plain;application/json",
		} {
			headers := []string{"Cookie: " + value, "Origin: https://evil.example", "Referer: https://evil.example/x"}
			if kind != "" {
				headers = append(headers, "Content-Type: "+kind)
			}
			var attempts []attempt
			for _, a := range protected() {
				if a.method != "POST" {
					continue
				}
				body := a.body
				if strings.HasPrefix(kind, "multipart") {
					body = form
				}
				attempts = append(attempts, attempt{fmt.Sprintf("%s: %q: %s", p, kind, a.path), request("POST", a.path, body, headers...)})
			}
			f.harmlessForms(append(attempts,
				attempt{fmt.Sprintf("%s: %q: a document", p, kind), request("POST", "/vault/gold", form, headers...)},
				attempt{fmt.Sprintf("%s: %q: without a referer", p, kind), request("POST", "/vault/gold", form, append(headers[:2:2], headers[3:]...)...)},
				attempt{fmt.Sprintf("%s: %q: a file", p, kind), request("POST", "/vault/gold/x.html", "x", headers...)},
			))
		}
	}
}

// harmlessForms makes attempts whose answers the page cannot read: only what they
// change counts.
func (f *fort) harmlessForms(attempts []attempt) {
	f.t.Helper()
	before := f.state()
	for _, try := range attempts {
		for _, a := range f.send(try.text) {
			if a.header.Get("Access-Control-Allow-Origin") != "" {
				f.t.Errorf("%s: %v", try.name, a.header)
			}
			if a.status/100 == 2 {
				f.t.Logf("%s: %d", try.name, a.status)
			}
		}
	}
	if after := f.state(); after != before {
		f.t.Errorf("one of those from %s to %s has changed something:\n%s\nwas\n%s", attempts[0].name, attempts[len(attempts)-1].name, after, before)
	}
}
