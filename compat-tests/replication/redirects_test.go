package replication_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"settle/compat-tests/settletest"
)

// redirecting sends every request elsewhere.
func redirecting(t *testing.T, to string, status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to+r.URL.RequestURI())
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A peer that sends its requests elsewhere is replicated with there, whatever they are.
func TestRedirects(t *testing.T) {
	p := start(t)
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/x/_security", object{}, nil)
	p.must("PUT", "/x/a", object{"n": 1}, nil)
	p.attach("/x/b/body", "text/plain", noise(1, 300_000))
	for _, status := range []int{301, 302, 307, 308} {
		front, to := redirecting(t, p.URL(), status), fmt.Sprint("to", status)
		p.must("PUT", "/"+to, nil, nil)
		p.must("PUT", "/"+to+"/_security", object{"admins": object{}, "members": object{}}, nil)
		if o := p.replicate(front+"/x", front+"/"+to); !o.OK {
			t.Errorf("%d: %s: %s", status, o.Error, o.Reason)
			continue
		}
		agree(t, p, "x", p, to)
		if o := p.replicate(front+"/x", front+"/"+to); !o.NoChanges {
			t.Errorf("%d: no checkpoint was kept: %+v", status, o)
		}
	}
}

// Certificates are checked, by default and against the authorities that are configured.
// To its own host a peer may redirect with TLS, and gets the password there; to others it
// goes nowhere.
func TestTLS(t *testing.T) {
	cert := settletest.NewCertificate(t)
	secure := &peer{Server: settletest.Start(t, settletest.Options{TLS: cert}), t: t, client: cert.Client()}
	p := start(t)
	for _, db := range []string{"x", "y"} {
		p.must("PUT", "/"+db, nil, nil)
	}
	p.must("PUT", "/x/a", object{"n": 1}, nil)
	p.attach("/x/b/body", "text/plain", noise(1, 300_000))
	there := endpoint(secure.URL(), "z")
	push := object{"source": "x", "target": there, "create_target": true, "retries_per_request": 1}
	for _, step := range []struct {
		key, value string
		ok         bool
	}{
		{"verify_ssl_certificates", "true", false},
		{"verify_ssl_certificates", "false", true},
		{"verify_ssl_certificates", "true", false},
		{"ssl_trusted_certificates_file", cert.Cert, true},
	} {
		p.must("PUT", "/_node/_local/_config/replicator/"+step.key, step.value, nil)
		var o outcome
		if p.ask("POST", "/_replicate", push, &o); o.OK != step.ok {
			t.Errorf("%s=%s: %+v", step.key, step.value, o)
		}
	}
	front := redirecting(t, secure.URL(), 301)
	if o := p.replicate(endpoint(front, "z"), "y"); !o.OK {
		t.Errorf("redirected to TLS: %s: %s", o.Error, o.Reason)
	}
	agree(t, p, "x", p, "y")
	p.attach("/y/c/body", "text/plain", noise(2, 300_000))
	p.must("PUT", "/w", nil, nil)
	for _, o := range []outcome{p.replicate("y", endpoint(front, "z")), p.replicate(endpoint(secure.URL(), "z"), "w")} {
		if !o.OK {
			t.Errorf("and the other way: %s: %s", o.Error, o.Reason)
		}
	}
	agree(t, p, "y", p, "w")

	secure.must("POST", "/_replicate", object{"source": "z", "target": "own", "create_target": true, "continuous": true}, nil)
	var list struct{ Jobs []struct{ Source string } }
	if secure.must("GET", "/_scheduler/jobs", nil, &list); len(list.Jobs) != 1 || list.Jobs[0].Source != secure.URL()+"/z/" {
		t.Errorf("a database of a server with TLS is shown as %+v", list.Jobs)
	}
}
