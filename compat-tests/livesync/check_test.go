package livesync_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"settle/compat-tests/settletest"
)

// fix is a value that LiveSync offers to set.
type fix struct{ section, key, value string }

const configPath = "/_node/_local/_config"

var serverPattern = regexp.MustCompile(`CouchDB(/([0-9.]+))?`)

// sections are which names LiveSync uses, by the server's version: those before
// 3.2.0 have others.
func sections(t *testing.T, a answer) (http, auth string) {
	t.Helper()
	match := serverPattern.FindStringSubmatch(a.header.Get("Server"))
	if match == nil {
		t.Fatalf("the Server header is %q", a.header.Get("Server"))
	}
	var version [3]int
	for i, part := range strings.SplitN(match[2], ".", 3) {
		version[i], _ = strconv.Atoi(part)
	}
	if slices.Compare(version[:], []int{3, 2, 0}) < 0 {
		t.Fatalf("the Server header is %q, a version with the old names", a.header.Get("Server"))
	}
	return "chttpd", "chttpd"
}

// check does what LiveSync's check of the server does, and returns the fixes that
// it offers. Of the origins it returns those whose pages could not read the answer.
func (d device) check() (fixes []fix, shutOut []string) {
	d.t.Helper()
	var config map[string]map[string]string // a value that is no string fails here
	a := d.want(http.StatusOK, "GET", configPath, "", &config)
	web, auth := sections(d.t, a)
	if _, ok := config["admins"][settletest.AdminName]; !ok {
		d.t.Errorf("the administrator is not among %v", slices.Sorted(maps.Keys(config["admins"])))
	}
	offer := func(ok bool, section, key, value string) {
		if !ok {
			fixes = append(fixes, fix{section, key, value})
		}
	}
	number := func(section, key string) int {
		n, _ := strconv.Atoi(config[section][key])
		return n
	}
	offer(config[auth]["require_valid_user"] == "true", auth, "require_valid_user", "true")
	offer(config["httpd"]["WWW-Authenticate"] != "", "httpd", "WWW-Authenticate", `Basic realm="couchdb"`)
	offer(config[web]["enable_cors"] == "true", web, "enable_cors", "true")
	offer(number(web, "max_http_request_size") >= 4294967296, web, "max_http_request_size", "4294967296")
	offer(number("couchdb", "max_document_size") >= 50000000, "couchdb", "max_document_size", "50000000")
	offer(config["cors"]["credentials"] == "true", "cors", "credentials", "true")
	allowed := strings.Split(config["cors"]["origins"], ",")
	ok := config["cors"]["origins"] == "*" || !slices.ContainsFunc(origins, func(o string) bool { return !slices.Contains(allowed, o) })
	offer(ok, "cors", "origins", strings.Join(origins, ","))
	for _, origin := range origins {
		if !d.from(origin).do("GET", configPath, "").allows(origin) {
			shutOut = append(shutOut, origin)
		}
	}
	return fixes, shutOut
}

// put sets a value and returns the one before.
func (d device) put(f fix) (old string) {
	d.t.Helper()
	value, err := json.Marshal(f.value)
	if err != nil {
		d.t.Fatal(err)
	}
	d.want(http.StatusOK, "PUT", configPath+"/"+f.section+"/"+f.key, string(value), &old)
	return old
}

// mustPass wants the check to find nothing.
func (d device) mustPass() {
	d.t.Helper()
	if fixes, shutOut := d.check(); len(fixes) > 0 || len(shutOut) > 0 {
		d.t.Errorf("LiveSync still wants %v, and lets in none of %v", fixes, shutOut)
	}
}

// TestCheckAndFixes presses every button that the check of a new server shows.
func TestCheckAndFixes(t *testing.T) {
	t.Parallel()
	s := settletest.Start(t, settletest.Options{})
	d := newDevice(t, s)
	var welcome struct{ CouchDB, UUID string }
	d.want(http.StatusOK, "GET", "/", "", &welcome)
	if welcome.CouchDB == "" || len(welcome.UUID) != 32 {
		t.Errorf("GET /: %+v", welcome)
	}
	fixes, shutOut := d.check()
	if len(fixes) == 0 || len(shutOut) != len(origins) {
		t.Fatalf("a new server: %v, without %v", fixes, shutOut)
	}
	for _, f := range fixes {
		d.put(f)
		if old := d.put(f); old != f.value {
			t.Errorf("%v once more: the value before is %q", f, old)
		}
	}
	d.mustPass()
	d.put(fix{"chttpd", "require_valid_user_except_for_up", "true"}) // Restart asks for /_up
	s.Restart()
	d.mustPass()

	if status := (device{t: t, url: s.URL()}).do("GET", "/_all_dbs", "").status; status != http.StatusUnauthorized {
		t.Errorf("anonymous is answered with %d", status)
	}
}

// TestPreset wants one flag to do what all the fixes do, and pages of other origins
// to be let in as little.
func TestPreset(t *testing.T) {
	t.Parallel()
	s := settletest.Start(t, settletest.Options{Args: []string{"--cors-preset", "obsidian"}})
	d := newDevice(t, s)
	d.mustPass()
	d.want(http.StatusCreated, "PUT", "/vault", "", nil)
	d.version("/vault")
	const foreign = "https://foreign.example"
	if a := d.from(foreign).do("GET", "/vault/", ""); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin is answered with %v", a.header)
	}
	for _, origin := range origins {
		if a := d.preflight(origin, "/vault/_bulk_docs"); a.status/100 != 2 || !a.allows(origin) {
			t.Errorf("preflight from %s: %d %v", origin, a.status, a.header)
		}
	}
	s.Restart()
	d.mustPass()
	if status := (device{t: t, url: s.URL(), origin: window}).do("GET", "/vault/", "").status; status != http.StatusUnauthorized {
		t.Errorf("anonymous is answered with %d", status)
	}
}

// TestBrowserIsTold has the requests that a browser makes on its own, before and
// around those of LiveSync, once every request needs a user.
func TestBrowserIsTold(t *testing.T) {
	t.Parallel()
	d := newDevice(t, settletest.Start(t, settletest.Options{}))
	fixes, _ := d.check()
	for _, f := range fixes {
		d.put(f)
	}
	d.want(http.StatusCreated, "PUT", "/vault", "", nil)
	for _, origin := range origins {
		for _, path := range []string{"/", "/vault/", "/vault/_bulk_docs", "/_session", configPath, "/missing/"} {
			a := d.preflight(origin, path)
			if a.status/100 != 2 || !a.allows(origin) || a.header.Get("Access-Control-Allow-Methods") == "" {
				t.Errorf("preflight of %s from %s: %d %v", path, origin, a.status, a.header)
			}
		}
		for what, other := range map[string]device{"anonymous": {t: t, url: d.url}, "a wrong password": d.as("admin", "wrong")} {
			a := other.from(origin).do("GET", "/vault/", "")
			if a.status != http.StatusUnauthorized || !a.allows(origin) {
				t.Errorf("%s from %s: %d %v", what, origin, a.status, a.header)
			}
		}
		if a := d.from(origin).do("GET", "/missing/", ""); a.status != http.StatusNotFound || !a.allows(origin) {
			t.Errorf("a missing database from %s: %d %v", origin, a.status, a.header)
		}
	}
	if a := d.preflight("https://foreign.example", "/vault/"); a.allows("https://foreign.example") || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight from a foreign origin: %d %v", a.status, a.header)
	}
}

// preflight makes the request by which a browser asks whether it may make
// another, which is never authenticated.
func (d device) preflight(origin, path string) answer {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodOptions, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	req.Header.Set("Access-Control-Request-Method", "PUT")
	req.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	res.Body.Close()
	return answer{status: res.StatusCode, header: res.Header}
}

// provisioned are the values that LiveSync's script sets, in its order.
var provisioned = []fix{
	{"chttpd", "require_valid_user", "true"},
	{"chttpd_auth", "require_valid_user", "true"},
	{"httpd", "WWW-Authenticate", `Basic realm="couchdb"`},
	{"httpd", "enable_cors", "true"},
	{"chttpd", "enable_cors", "true"},
	{"chttpd", "max_http_request_size", "4294967296"},
	{"couchdb", "max_document_size", "50000000"},
	{"cors", "credentials", "true"},
	{"cors", "origins", strings.Join(origins, ",")},
}

// TestProvision makes the requests of the script that sets up a server, twice, as
// one that is run again would.
func TestProvision(t *testing.T) {
	t.Parallel()
	d := newDevice(t, settletest.Start(t, settletest.Options{})).from("")
	for range 2 {
		a := d.do("POST", "/_cluster_setup",
			`{"action":"enable_single_node","username":"admin","password":"pass","bind_address":"0.0.0.0","port":5984,"singlenode":true}`)
		done := a.status/100 == 2 || (a.status == 400 || a.status == 409) && regexp.MustCompile(`(?i)already|finished`).Match(a.text)
		if !done {
			t.Fatalf("POST /_cluster_setup: %d %s", a.status, a.text)
		}
		for _, f := range provisioned {
			d.put(f)
		}
		if a := d.do("PUT", "/obsidiannotes", ""); a.status/100 != 2 && a.status != http.StatusPreconditionFailed {
			t.Fatalf("PUT /obsidiannotes: %d %s", a.status, a.text)
		}
		d.version("/obsidiannotes")
	}
	newOrigin := d.from(window)
	newOrigin.mustPass()
}

// version reads the document that says which LiveSync made the database, and
// writes it where it is missing.
func (d device) version(db string) {
	d.t.Helper()
	const path = "/obsydian_livesync_version"
	switch a := d.do("GET", db+path, ""); a.status {
	case http.StatusOK:
	case http.StatusNotFound:
		d.want(http.StatusCreated, "PUT", db+path, `{"_id":"obsydian_livesync_version","version":12,"type":"versioninfo"}`, nil)
	default:
		d.t.Fatalf("GET %s: %d %s", path, a.status, a.text)
	}
	var doc struct {
		Version int
		Type    string
	}
	if d.want(http.StatusOK, "GET", db+path, "", &doc); doc.Version != 12 || doc.Type != "versioninfo" {
		d.t.Errorf("the version's document is %+v", doc)
	}
}
