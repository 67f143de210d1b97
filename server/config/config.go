package config

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"settle/storage/couch"
)

// Settings keeps what outlives the process; *storage.Store does.
type Settings interface {
	// Setting returns the value of a key, nil where there is none.
	Setting(ctx context.Context, key string) ([]byte, error)
	// SetSetting is durable when it returns. A nil value removes the key.
	SetSetting(ctx context.Context, key string, value []byte) error
}

// settingKey is the one setting that holds all sections: a JSON object of
// section to object of key to value.
const settingKey = "config"

// Config is the live configuration. It is safe for concurrent use.
type Config struct {
	settings Settings

	writes sync.Mutex // held over a change, so that saves keep their order

	given sections // from outside, at the start

	mu      sync.RWMutex  // guards live, saved and changed
	live    sections      // what counts
	saved   changes       // what was set here, as it is in settings
	changed chan struct{} // closed by the next change; nil where nobody waits

	version atomic.Uint64 // of live; grows while mu is held
}

// Open reads the configuration: what the sources give, the later over the earlier,
// and over it what was set while the server ran before. The error is a BadRequest
// where settle could not use what a source gives; it names the value only.
func Open(ctx context.Context, settings Settings, sources ...Source) (*Config, error) {
	c := &Config{settings: settings, given: merge(sources), saved: changes{}}
	for _, s := range sources {
		if err := s.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	text, err := settings.Setting(ctx, settingKey)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if text != nil {
		if err := json.Unmarshal(text, &c.saved); err != nil {
			return nil, &couch.Error{Kind: couch.Corrupt, Reason: "The stored configuration is damaged.", Err: err}
		}
	}
	c.live = changedBy(c.given, c.saved)
	return c, nil
}

// Outranked returns what a source gives that does not count, because something
// stronger has another value.
func (c *Config) Outranked(s Source) []ID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return s.outranked(c.live)
}

// Get returns a value that settle reads: the one that is set, else the one that is
// set in its old section, else CouchDB's standard one.
func (c *Config) Get(id ID) string {
	if value, ok := c.Lookup(id); ok {
		return value
	}
	if old, ok := id.old(); ok {
		if value, ok := c.Lookup(old); ok {
			return value
		}
	}
	return definitions[id].standard
}

// Lookup returns a value that is set; ok is false for one that is not.
func (c *Config) Lookup(id ID) (value string, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	value, ok = c.live[id.Section][id.Key]
	return value, ok
}

// Version grows with every change, so that what is made of values can be kept
// until then.
func (c *Config) Version() uint64 { return c.version.Load() }

// Changed returns a channel that is closed by the next change. To miss nothing:
// take it, read the values, then wait.
func (c *Config) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

// Bool returns a value that settle reads as a boolean.
func (c *Config) Bool(id ID) bool { return strings.EqualFold(c.Get(id), "true") }

// Int returns a value that settle reads as a number.
func (c *Config) Int(id ID) int64 {
	n, err := strconv.ParseInt(c.Get(id), 10, 64)
	if err != nil {
		n, _ = strconv.ParseInt(definitions[id].standard, 10, 64)
	}
	return n
}

// Limits returns the bounds on what clients send.
func (c *Config) Limits() couch.Limits {
	return couch.Limits{
		MaxDocumentSize:   parseSize(c.Get(MaxDocumentSize)),
		MaxAttachmentSize: parseSize(c.Get(MaxAttachmentSize)),
		MaxDocumentID:     parseSize(c.Get(MaxDocumentIDLength)),
		MaxRequestSize:    parseSize(c.Get(MaxRequestSize)),
		MaxInfos:          parseSize(c.Get(MaxInfos)),
		MaxPurgedDocs:     parseSize(c.Get(MaxPurgedDocuments)),
		MaxPurgedRevs:     parseSize(c.Get(MaxPurgedRevisions)),
	}
}

// Section returns the values of a section that are set, and those that show
// without. The map is the caller's.
func (c *Config) Section(name string) map[string]string {
	values := map[string]string{}
	for id, d := range definitions {
		if d.shown && id.Section == name {
			values[id.Key] = d.standard
		}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	maps.Copy(values, c.live[name])
	return values
}

// Sections returns every section that has values. The maps are the caller's.
func (c *Config) Sections() map[string]map[string]string {
	names := map[string]bool{}
	for id, d := range definitions {
		if d.shown {
			names[id.Section] = true
		}
	}
	c.mu.RLock()
	for name := range c.live {
		names[name] = true
	}
	c.mu.RUnlock()
	all := map[string]map[string]string{}
	for name := range names {
		all[name] = c.Section(name)
	}
	return all
}

// Set gives a value, trimmed, and returns the one before it ("" for none). With
// persist it is durable when Set returns, else it lasts until the server ends.
// The error is a BadRequest where settle could not use the value.
func (c *Config) Set(ctx context.Context, id ID, value string, persist bool) (string, error) {
	value = strings.TrimSpace(value)
	if err := checkValue(id, value); err != nil {
		return "", err
	}
	return c.change(ctx, id, &value, persist)
}

// Delete takes a value away and returns it. The error is a NotFound where it
// is not set.
func (c *Config) Delete(ctx context.Context, id ID, persist bool) (string, error) {
	return c.change(ctx, id, nil, persist)
}

var errUnknownValue = &couch.Error{Kind: couch.NotFound, Reason: "unknown_config_value"}

// change sets a value, or deletes it where value is nil.
func (c *Config) change(ctx context.Context, id ID, value *string, persist bool) (string, error) {
	c.writes.Lock()
	defer c.writes.Unlock()
	old, isSet := c.Section(id.Section)[id.Key]
	if value == nil && !isSet {
		return "", errUnknownValue
	}
	c.mu.RLock()
	live, saved := c.live, c.saved
	c.mu.RUnlock()
	if value != nil {
		live = live.with(id, *value)
	} else {
		live = live.without(id)
	}
	if persist {
		saved = c.savedWith(id, value)
	}
	if persist {
		if err := c.save(ctx, saved); err != nil {
			return "", err
		}
	}
	c.take(live, saved)
	return old, nil
}

// Reload forgets the changes that were not to last.
func (c *Config) Reload() {
	c.writes.Lock()
	defer c.writes.Unlock()
	c.take(changedBy(c.given, c.saved), c.saved)
}

// take lets values count. c.writes is held.
func (c *Config) take(live sections, saved changes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live, c.saved = live, saved
	c.version.Add(1)
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// savedWith returns what is to be stored once a value is set, or deleted where it
// is nil. c.writes is held.
func (c *Config) savedWith(id ID, value *string) changes {
	if value == nil && !c.given.has(id) {
		return c.saved.without(id)
	}
	return c.saved.with(id, value)
}

func (c *Config) save(ctx context.Context, saved changes) error {
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return c.settings.SetSetting(ctx, settingKey, text)
}
