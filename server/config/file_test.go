package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
)

// write makes a configuration file.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const localINI = `; CouchDB Configuration Settings
# and another comment
[couchdb]
max_document_size = 50000000 ; bytes
uuid = 5f8a
file_compression=none

[chttpd]
port = 6000
bind_address = 0.0.0.0
enable_cors = true
authentication_handlers = {chttpd_auth, jwt_authentication_handler},
	{chttpd_auth, default_authentication_handler}

[couch_httpd_auth]
timeout=900
secret = first
secret = a=b;c
[cors]
origins = app://obsidian.md,capacitor://localhost
[jwt_keys]
hmac:foo = Zm9v
[admins]
jan = -pbkdf2-x,y,10
[cluster]
n = 3
`

const settleTOML = `
[couchdb]
max_document_size = 50_000_000
uuid = "5f8a"
file_compression = "none"
[chttpd]
port = 6000
bind_address = "0.0.0.0"
enable_cors = true
authentication_handlers = "{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, default_authentication_handler}"
[couch_httpd_auth]
timeout = 900
secret = "a=b;c"
[cors]
origins = ["app://obsidian.md", "capacitor://localhost"]
[jwt_keys]
"hmac:foo" = "Zm9v"
[admins]
jan = "-pbkdf2-x,y,10"
[cluster]
n = 3
`

func TestReadFile(t *testing.T) {
	for name, text := range map[string]string{"local.ini": localINI, "dos.ini": strings.ReplaceAll("\ufeff"+localINI, "\n", "\r\n"), "settle.toml": settleTOML} {
		path := write(t, name, text)
		got, err := config.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := &config.File{
			Source: config.Source{Name: path, Values: map[config.ID]string{
				config.MaxDocumentSize:                 "50000000",
				config.EnableCORS:                      "true",
				config.AuthHandlers:                    "{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, default_authentication_handler}",
				{"couch_httpd_auth", "timeout"}:        "900",
				{"couch_httpd_auth", "secret"}:         "a=b;c",
				config.CORSOrigins:                     "app://obsidian.md,capacitor://localhost",
				{Section: "jwt_keys", Key: "hmac:foo"}: "Zm9v",
			}},
			Admins:      map[string]string{"jan": "-pbkdf2-x,y,10"},
			BindAddress: "0.0.0.0", Port: "6000",
			Unknown: []config.ID{{"cluster", "n"}, {"couchdb", "file_compression"}, {"couchdb", "uuid"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestBadFiles(t *testing.T) {
	const secret = "hunter2"
	tests := []struct{ name, text, want string }{
		{"a.conf", "", "must end in .toml or .ini"},
		{"a.ini", "x = " + secret, "line 1"},
		{"a.ini", "[a]\n" + secret, "line 2"},
		{"a.ini", "[a]\n = " + secret, "line 2"},
		{"a.ini", "[a]\n\t" + secret, "line 2"},
		{"a.ini", "[a\n", "line 1"},
		{"a.ini", "[chttpd_auth]\ntimeout = " + secret, "chttpd_auth/timeout cannot have that value"},
		{"a.ini", "[couch_httpd_auth]\ntimeout = " + secret, "couch_httpd_auth/timeout cannot have that value"},
		{"a.toml", "x = '" + secret + "'", "x stands outside a section"},
		{"a.toml", "[a]\nx = " + secret, "line 2: not TOML"},
		{"a.toml", "[a]\nx = '" + secret, "line 2: not TOML"},
		{"a.toml", "[a]\nx = 1.5", "a/x must be"},
		{"a.toml", "[a.b]\nx = 1", "a/b must be"},
		{"a.toml", "[a]\nx = ['b', 5]", "a/x must be"},
		{"a.toml", "[chttpd]\nenable_cors = 'yes'", "chttpd/enable_cors cannot have that value"},
		{"a.toml", strings.Repeat("#", 1<<20+1), "longer than"},
	}
	for _, tt := range tests {
		_, err := config.ReadFile(write(t, tt.name, tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s %.40q: %v", tt.name, tt.text, err)
		}
	}
	if _, err := config.ReadFile(filepath.Join(t.TempDir(), "none.ini")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// FuzzReadFile wants no panic, and what is read to be read again from an INI file
// that is written of it.
func FuzzReadFile(f *testing.F) {
	f.Add(localINI, false)
	f.Add(settleTOML, true)
	f.Fuzz(func(t *testing.T, text string, isTOML bool) {
		name := "a.ini"
		if isTOML {
			name = "a.toml"
		}
		file, err := config.ReadFile(write(t, name, text))
		if err != nil {
			return
		}
		for id, value := range file.Values {
			if value != strings.TrimSpace(value) || id.Section == "" || id.Key == "" && !isTOML {
				t.Errorf("%q is %q", id, value)
			}
		}
	})
}
