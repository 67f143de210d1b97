package attacks_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// stolen is a request that is hidden in the body of another, with the rights of
// nobody.
const stolen = "GET /vault/gold HTTP/1.1\r\nHost: fort.example\r\n\r\n"

// TestFraming has requests whose end two readers may see at different places. Each
// must be refused, or have one answer and be the last of its connection: what is
// behind it must not count as another request.
func TestFraming(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	before := f.state()
	for name, headers := range map[string]string{
		"both":                    "Content-Length: 4\r\nTransfer-Encoding: chunked",
		"both, the other way":     "Transfer-Encoding: chunked\r\nContent-Length: 4",
		"both, no length":         "Content-Length: 0\r\nTransfer-Encoding: chunked",
		"chunked twice":           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"chunked and identity":    "Transfer-Encoding: chunked, identity",
		"identity and a length":   "Transfer-Encoding: identity\r\nContent-Length: 4",
		"an unknown encoding":     "Transfer-Encoding: xchunked",
		"a space before":          "Transfer-Encoding : chunked",
		"a vertical tab":          "Transfer-Encoding: \x0bchunked",
		"two lengths":             "Content-Length: 4\r\nContent-Length: 5",
		"two lengths in one":      "Content-Length: 4, 5",
		"a signed length":         "Content-Length: +4",
		"a negative length":       "Content-Length: -4",
		"a length in hexadecimal": "Content-Length: 0x4",
		"a length that overflows": "Content-Length: 18446744073709551620",
		"a length with a space":   "Content-Length : 4",
		"a bare CR":               "X: a\rTransfer-Encoding: chunked",
	} {
		for _, body := range []string{"0\r\n\r\n" + stolen, "4\r\n{}\r\n0\r\n\r\n" + stolen, "{}  " + stolen} {
			text := "POST /lobby/_all_docs HTTP/1.1\r\nHost: fort.example\r\nContent-Type: application/json\r\n" +
				strings.Join(eve.headers(), "\r\n") + "\r\n" + headers + "\r\n\r\n" + body
			answers := f.sendAndEnd(text)
			if len(answers) > 1 {
				t.Errorf("%s, with %.12q: %d answers, the first %d %s", name, body, len(answers), answers[0].status, answers[0].body)
			}
			for _, a := range answers {
				if a.tells() {
					t.Errorf("%s, with %.12q: %d %s", name, body, a.status, a.body)
				}
			}
		}
	}
	if after := f.state(); after != before {
		t.Errorf("something has changed:\n%s\nwas\n%s", after, before)
	}
}

// TestMalformedChunks wants a body that no two readers read alike to be an error.
func TestMalformedChunks(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, chunks := range []string{
		"2;x\n{}\r\n0\r\n\r\n", "+2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n", "2\r\n{}x\r\n0\r\n\r\n", "-1\r\n{}\r\n0\r\n\r\n",
		"ffffffffffffffff2\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n", "2\r\n{", "\r\n2\r\n{}\r\n0\r\n\r\n",
	} {
		before := f.state()
		text := "PUT /vault/smuggled HTTP/1.1\r\nHost: fort.example\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" +
			strings.Join(bob.headers(), "\r\n") + "\r\n\r\n" + chunks
		for _, a := range f.sendAndEnd(text) {
			if a.status < 400 {
				t.Errorf("%q: %d %s", chunks, a.status, a.body)
			}
		}
		if after := f.state(); after != before {
			t.Errorf("%q has changed something", chunks)
		}
	}
}

// TestSeveralAuthorizations sends several of the header that says who asks: only
// one that is right may count, and nothing may come of joining them.
func TestSeveralAuthorizations(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	wrong := func(text string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text))
	}
	own := eve.headers()[0]
	var attempts []attempt
	for i, headers := range [][]string{
		{own, wrong("bob:wrong")}, {wrong("bob:wrong"), own}, {own, own, wrong("admin:wrong")},
		{own + ", " + wrong("bob:x")[len("Authorization: "):]}, {own, "Authorization: Bearer x.y.z"}, {"Authorization: Bearer x.y.z", own},
		{own, "Authorization: admin"}, {wrong("bob")}, {wrong("bob:")}, {wrong(":")}, {wrong("_:_")}, {wrong("")}, {"Authorization:"}, {"Authorization: Basic"},
		{"Authorization: basic " + strings.TrimPrefix(own, "Authorization: Basic ")},
		{wrong("bob\x00:" + bob.password)}, {wrong("bob :" + bob.password)}, {wrong("BOB:" + bob.password)},
		{wrong("bob:" + bob.password + "\n")}, {wrong("org.couchdb.user:bob:" + bob.password)},
		{"Authorization : Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+bob.password))},
		{"Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+bob.password))},
		{"Authorization_: Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+bob.password))},
	} {
		attempts = append(attempts, attempt{fmt.Sprint(i, " ", headers), request("GET", "/vault/gold", "", headers...)},
			attempt{fmt.Sprint(i, " ", headers), request("PUT", "/vault/smuggled", "{}", append(headers, "Content-Type: application/json")...)})
	}
	f.refused(attempts...)
}

// TestHeadersOfProxies sends headers by which some servers let a proxy say what
// is asked for, and by whom.
func TestHeadersOfProxies(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, headers := range [][]string{
		{"X-Original-URL: /vault/gold"}, {"X-Rewrite-URL: /vault/gold"}, {"X-Forwarded-Path: /vault/gold"}, {"X-Forwarded-Prefix: /vault"},
		{"X-CouchDB-Requested-Path: /vault/gold"}, {"X-CouchDB-VHost-Path: /vault/gold"}, {"X-CouchDB-Vhost-Fullpath: /vault/gold"},
		{"X-Auth-CouchDB-UserName: bob"}, {"X-Auth-CouchDB-UserName: admin", "X-Auth-CouchDB-Roles: _admin"},
		{"X-Auth-CouchDB-UserName: admin", "X-Auth-CouchDB-Roles: _admin", "X-Auth-CouchDB-Token: 00"},
		{"X-Forwarded-User: admin"}, {"X-Remote-User: admin"}, {"Remote-User: admin"}, {"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"}, {"X-Forwarded-Host: localhost"},
		{"Host: localhost"}, {"Host: vault"},
	} {
		for _, p := range []person{anonymous, eve} {
			all := append(p.headers(), headers...)
			name := fmt.Sprint(p, " ", headers)
			f.refused(
				attempt{name, request("GET", "/vault/gold", "", all...)},
				attempt{name, request("PUT", "/vault/smuggled", "{}", append(all, "Content-Type: application/json")...)},
				attempt{name, request("GET", "/_all_dbs", "", all...)},
			)
			f.harmless(attempt{name, request("GET", "/", "", all...)}, attempt{name, request("GET", "/_up", "", all...)})
		}
	}
}

// TestLineBreaks tries to put a header of its own, or a whole answer, into an
// answer.
func TestLineBreaks(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.must("PUT", "/eves", "")
	f.must("PUT", "/eves/_security", `{"members":{"names":["eve"]}}`)
	const forged = "%0d%0aSet-Cookie:%20AuthSession=forged%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0a"
	raw := "\r\nSet-Cookie: AuthSession=forged"
	eves := append(eve.headers(), "Content-Type: application/json")
	form := []string{"Content-Type: application/x-www-form-urlencoded"}
	for _, text := range []string{
		request("PUT", "/eves/a"+forged, "{}", eves...),
		request("PUT", "/eves/a/b"+forged, "x", append(eve.headers(), "Content-Type: text/plain")...),
		request("PUT", "/"+forged, "", eve.headers()...),
		request("GET", "/eves/a"+forged, "", eve.headers()...),
		request("COPY", "/lobby/_design/d", "", append(eve.headers(), "Destination: a"+forged)...),
		request("POST", "/_session?next=/"+forged, "name=eve&password="+eve.password, form...),
		request("POST", "/_session?next=%2F%0aSet-Cookie:x", "name=eve&password="+eve.password, form...),
		request("GET", "/_all_dbs", "", "X-CouchDB-WWW-Authenticate: Basic\rSet-Cookie: AuthSession=forged"),
		request("GET", "/_all_dbs", "", "X-CouchDB-WWW-Authenticate: Basic\nSet-Cookie: AuthSession=forged"),
		request("GET", "/lobby/_changes"+raw, "", eve.headers()...),
		request("PUT", "/eves/b", "{}", append(eves, "X-Forged: \x00")...),
	} {
		for i, a := range f.send(text) {
			if i > 0 || strings.Contains(a.header.Get("Set-Cookie"), "forged") {
				t.Errorf("%.80q: answer %d is %d %v", text, i, a.status, a.header)
			}
		}
	}
}

// TestRedirects wants no log-in to lead to another site.
func TestRedirects(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, next := range []string{
		"http://evil.example", "//evil.example", "///evil.example", "/%5Cevil.example", "%5C%5Cevil.example", "/%09/evil.example", "javascript:alert(1)",
		"https:evil.example", "%20//evil.example", "/%0a/evil.example", "@evil.example", ".evil.example", "evil.example",
	} {
		text := request("POST", "/_session?next="+next, "name=eve&password="+eve.password, "Content-Type: application/x-www-form-urlencoded")
		a := f.ask(text)
		if location := a.header.Get("Location"); location != "" && !leadsHome(location) {
			t.Errorf("next=%s leads to %q", next, location)
		}
	}
}

// leadsHome reports whether every browser takes a location for one of this site.
func leadsHome(location string) bool {
	if strings.HasPrefix(location, "http://fort.example/") {
		return true
	}
	path, ok := strings.CutPrefix(location, "/")
	return ok && !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, `\`) && !strings.ContainsAny(location, "\t\r\n")
}
