package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
	"settle/storage/couch"
)

func TestSources(t *testing.T) {
	id := func(key string) config.ID { return config.ID{Section: "s", Key: key} }
	weak := config.Source{Name: "weak", Values: map[config.ID]string{id("a"): "weak", id("b"): "weak", id("c"): "weak"}}
	strong := config.Source{Name: "strong", Values: map[config.ID]string{id("b"): "strong", id("c"): "strong"}}
	s := &settings{values: map[string][]byte{}}
	reopen := func() *config.Config {
		c, err := config.Open(t.Context(), s, weak, strong)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reopen()
	steps := []struct {
		change func() (string, error)
		old    string
		want   map[string]string
	}{
		{func() (string, error) { return c.Set(t.Context(), id("c"), "set", true) }, "strong", map[string]string{"a": "weak", "b": "strong", "c": "set"}},
		{func() (string, error) { return c.Delete(t.Context(), id("b"), true) }, "strong", map[string]string{"a": "weak", "c": "set"}},
		{func() (string, error) { return c.Delete(t.Context(), id("c"), true) }, "set", map[string]string{"a": "weak"}},
		{func() (string, error) { return c.Set(t.Context(), id("d"), "new", true) }, "", map[string]string{"a": "weak", "d": "new"}},
		{func() (string, error) { return c.Delete(t.Context(), id("d"), true) }, "new", map[string]string{"a": "weak"}},
		{func() (string, error) { return c.Set(t.Context(), id("b"), "again", true) }, "", map[string]string{"a": "weak", "b": "again"}},
	}
	for i, step := range steps {
		old, err := step.change()
		if err != nil || old != step.old {
			t.Errorf("step %d: %q, %v", i, old, err)
		}
		if diff := cmp.Diff(step.want, c.Section("s")); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
		c = reopen()
		if diff := cmp.Diff(step.want, c.Section("s")); diff != "" {
			t.Errorf("step %d, opened again: %s", i, diff)
		}
	}
	if diff := cmp.Diff([]config.ID{id("b"), id("c")}, c.Outranked(weak)); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Delete(t.Context(), id("a"), false); err != nil {
		t.Fatal(err)
	}
	if got := reopen().Section("s")["a"]; got != "weak" {
		t.Errorf("a deletion that was not to last left %q", got)
	}
}

func TestSourceWithBadValue(t *testing.T) {
	bad := config.Source{Name: "a flag", Values: map[config.ID]string{config.EnableCORS: "hunter2"}}
	_, err := config.Open(t.Context(), &settings{values: map[string][]byte{}}, bad)
	if !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) || !strings.Contains(err.Error(), "chttpd/enable_cors") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

func TestOldSections(t *testing.T) {
	c := open(t, &settings{values: map[string][]byte{}})
	old := config.ID{Section: "couch_httpd_auth", Key: "timeout"}
	steps := []struct {
		id          config.ID
		value, want string
	}{{old, "100", "100"}, {config.SessionTimeout, "200", "200"}, {old, "300", "200"}}
	for _, step := range steps {
		if _, err := c.Set(t.Context(), step.id, step.value, true); err != nil {
			t.Fatal(err)
		}
		if got := c.Get(config.SessionTimeout); got != step.want {
			t.Errorf("with %v = %s: %s, want %s", step.id, step.value, got, step.want)
		}
	}
	if _, err := c.Set(t.Context(), old, "soon", true); err == nil {
		t.Error("a bad value was taken for the old section")
	}
}

// TestPresetObsidian looks for what Obsidian LiveSync's database check wants to find.
func TestPresetObsidian(t *testing.T) {
	preset, ok := config.Preset("obsidian")
	if !ok {
		t.Fatal("there is none")
	}
	c, err := config.Open(t.Context(), &settings{values: map[string][]byte{}}, preset)
	if err != nil {
		t.Fatal(err)
	}
	all := c.Sections()
	for name, want := range map[string]string{
		"chttpd/require_valid_user": "true", "chttpd_auth/require_valid_user": "true", "httpd/WWW-Authenticate": `Basic realm="couchdb"`,
		"chttpd/enable_cors": "true", "httpd/enable_cors": "true", "cors/credentials": "true",
		"chttpd/max_http_request_size": "4294967296", "couchdb/max_document_size": "50000000",
	} {
		section, key, _ := strings.Cut(name, "/")
		if got := all[section][key]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	origins := strings.Split(all["cors"]["origins"], ",") // LiveSync does not trim
	if diff := cmp.Diff([]string{"app://obsidian.md", "capacitor://localhost", "http://localhost"}, origins); diff != "" {
		t.Error(diff)
	}
}

func TestPresets(t *testing.T) {
	for _, name := range config.Presets {
		preset, ok := config.Preset(name)
		if !ok {
			t.Errorf("%s is none", name)
		}
		if _, err := config.Open(t.Context(), &settings{values: map[string][]byte{}}, preset); err != nil {
			t.Error(err)
		}
	}
	if _, ok := config.Preset("fauxton"); ok {
		t.Error("an unknown name is a preset")
	}
}

func TestSecrets(t *testing.T) {
	for name, want := range map[string]bool{
		"jwt_keys/hmac:_default": true, "admins/jan": true, "chttpd_auth/secret": true, "couch_httpd_auth/secret": true, "ssl/password": true,
		"replicator/ssl_Password": true, "a/client_secret": true, "chttpd_auth/timeout": false, "chttpd_auth/proxy_use_secret": false, "chttpd_auth/password_regexp": false,
		"mailer/api_key": true, "mailer/APIKey": true, "mailer/signing-key": true, "mailer/access_token": true, "mailer/token": true, "replicator/private_key": true, "a/passphrase": true,
		"replicator/key_file": false, "ssl/key_file": false, "chttpd_auth/x_auth_token": false, "couch_httpd_auth/x_auth_token": false, "mailer/token_lifetime": false, "mysection/mykey": false, "a/key": false,
	} {
		section, key, _ := strings.Cut(name, "/")
		if got := (config.ID{Section: section, Key: key}).IsSecret(); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	section := map[string]string{"secret": "x", "timeout": "5"}
	if diff := cmp.Diff(map[string]string{"secret": "[redacted]", "timeout": "5"}, config.Shown("chttpd_auth", section)); diff != "" {
		t.Error(diff)
	}
	if section["secret"] != "x" {
		t.Error("the section itself changed")
	}
}
