package config_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
	"settle/storage/couch"
)

// settings is a store of settings that can fail.
type settings struct {
	values map[string][]byte
	fail   error
}

func (s *settings) Setting(_ context.Context, key string) ([]byte, error) {
	return s.values[key], s.fail
}

func (s *settings) SetSetting(_ context.Context, key string, value []byte) error {
	if s.fail == nil {
		s.values[key] = value
	}
	return s.fail
}

func open(t *testing.T, s *settings) *config.Config {
	t.Helper()
	c, err := config.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLimits(t *testing.T) {
	c := open(t, &settings{values: map[string][]byte{}})
	standard := couch.Limits{MaxDocumentSize: 8_000_000, MaxAttachmentSize: 1 << 30, MaxRequestSize: 4 << 30, MaxInfos: 100, MaxPurgedDocs: 100, MaxPurgedRevs: 1000}
	if diff := cmp.Diff(standard, c.Limits()); diff != "" {
		t.Error(diff)
	}
	set := map[config.ID]string{
		config.MaxDocumentSize: "60", config.MaxAttachmentSize: "infinity",
		config.MaxDocumentIDLength: "30", config.MaxRequestSize: " 70 ",
	}
	for id, value := range set {
		if _, err := c.Set(t.Context(), id, value, true); err != nil {
			t.Fatal(err)
		}
	}
	want := couch.Limits{MaxDocumentSize: 60, MaxDocumentID: 30, MaxRequestSize: 70, MaxInfos: 100, MaxPurgedDocs: 100, MaxPurgedRevs: 1000}
	if diff := cmp.Diff(want, c.Limits()); diff != "" {
		t.Error(diff)
	}
	for id := range set {
		if _, err := c.Delete(t.Context(), id, true); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(standard, c.Limits()); diff != "" {
		t.Error(diff)
	}
}

func TestBadValuesChangeNothing(t *testing.T) {
	c := open(t, &settings{values: map[string][]byte{}})
	for id, values := range map[config.ID][]string{
		config.MaxDocumentSize:    {"", "-1", "0", "8MB", "1e6", "99999999999999999999"},
		config.RequireValidUser:   {"", "yes", "1"},
		config.SessionTimeout:     {"-1", "infinity", "2147483649"},
		config.UUIDAlgorithm:      {"", "best", "RANDOM"},
		config.PasswordIterations: {"0", "10000001"},
		config.UUIDMaxCount:       {"100001"},
		config.SameSite:           {"none; Secure"},
		config.CookieDomain:       {"a b", "a;b", "a\r\nb"},

		config.PerUserDatabasePrefix: {"", "_users", "User-", "1", "-", "a b"},
		config.PerUserShards:         {"", "0"},
	} {
		before := c.Get(id)
		for _, value := range values {
			if _, err := c.Set(t.Context(), id, value, true); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
				t.Errorf("%v = %q: %v", id, value, err)
			}
		}
		if c.Get(id) != before {
			t.Errorf("%v changed from %q to %q", id, before, c.Get(id))
		}
	}
}

func TestPersistence(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	c := open(t, s)
	kept, fleeting := config.ID{Section: "a", Key: "kept"}, config.ID{Section: "a", Key: "fleeting"}
	c.Set(t.Context(), kept, "1", true)
	c.Set(t.Context(), kept, "2", false)
	c.Set(t.Context(), fleeting, "3", false)
	if diff := cmp.Diff(map[string]string{"kept": "2", "fleeting": "3"}, c.Section("a")); diff != "" {
		t.Error(diff)
	}
	c.Set(t.Context(), config.ID{Section: "b", Key: "ü"}, `"`, true)
	again := open(t, s)
	want := map[string]map[string]string{"a": {"kept": "1"}, "b": {"ü": `"`}, "couchdb": {"single_node": "true"}}
	if diff := cmp.Diff(want, again.Sections()); diff != "" {
		t.Error(diff)
	}
	if _, err := again.Delete(t.Context(), kept, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{}, open(t, s).Section("a")); diff != "" {
		t.Error(diff)
	}
}

func TestChanged(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	c := open(t, s)
	isClosed := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	before := c.Changed()
	if isClosed(before) {
		t.Error("closed before any change")
	}
	s.fail = errors.New("disk")
	c.Set(t.Context(), config.PerUserEnable, "true", true)
	if isClosed(before) {
		t.Error("closed by a change that failed")
	}
	c.Set(t.Context(), config.PerUserEnable, "true", false)
	if !isClosed(before) {
		t.Error("not closed by a change")
	}
	if isClosed(c.Changed()) {
		t.Error("the next one is closed already")
	}
}

func TestFailedSaveChangesNothing(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	c := open(t, s)
	id := config.ID{Section: "a", Key: "b"}
	c.Set(t.Context(), id, "old", true)
	s.fail = errors.New("disk")
	if _, err := c.Set(t.Context(), id, "new", true); !errors.Is(err, s.fail) {
		t.Errorf("set: %v", err)
	}
	if _, err := c.Delete(t.Context(), id, true); !errors.Is(err, s.fail) {
		t.Errorf("delete: %v", err)
	}
	if got := c.Section("a")["b"]; got != "old" {
		t.Errorf("value is %q", got)
	}
}

func TestDamagedSettings(t *testing.T) {
	for _, text := range []string{"", "{", `{"a":1}`, `[]`} {
		s := &settings{values: map[string][]byte{"config": []byte(text)}}
		if _, err := config.Open(t.Context(), s); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
