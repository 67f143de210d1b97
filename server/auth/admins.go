package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"settle/storage/couch"
)

// adminsKey is the setting that holds the administrators: a JSON object of
// name to hash.
const adminsKey = "admins"

// loadAdmins reads the stored administrators.
func loadAdmins(ctx context.Context, settings Settings) (map[string]Hash, error) {
	text, err := settings.Setting(ctx, adminsKey)
	if err != nil {
		return nil, fmt.Errorf("reading the administrators: %w", err)
	}
	admins := map[string]Hash{}
	if text == nil {
		return admins, nil
	}
	var stored map[string]string
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, &couch.Error{Kind: couch.Corrupt, Reason: "The stored administrators are damaged.", Err: err}
	}
	for name, text := range stored {
		hash, err := ParseHash(text)
		if err != nil {
			return nil, &couch.Error{Kind: couch.Corrupt, Reason: "The stored administrators are damaged.", Err: err}
		}
		admins[name] = hash
	}
	return admins, nil
}

func saveAdmins(ctx context.Context, settings Settings, admins map[string]Hash) error {
	stored := map[string]string{}
	for name, hash := range admins {
		stored[name] = hash.Text()
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	if err := settings.SetSetting(ctx, adminsKey, text); err != nil {
		return fmt.Errorf("storing the administrators: %w", err)
	}
	return nil
}

// Names returns the names of the administrators in force, sorted.
func (a *Auth) Names() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	names := slices.AppendSeq(slices.Collect(maps.Keys(a.stored)), maps.Keys(a.given))
	slices.Sort(names)
	return slices.Compact(names)
}

// hashOrParse hashes a password, or takes a hash as the one it is. The error is a
// BadRequest for what begins like a hash and is none.
func (a *Auth) hashOrParse(password string) (Hash, error) {
	if !isHashText(password) {
		return HashPassword(password, a.iterations())
	}
	hash, err := ParseHash(password)
	if err != nil {
		return Hash{}, errHashMalformed
	}
	return hash, nil
}

// adminHash returns the hash of an administrator in force.
func (a *Auth) adminHash(name string) (Hash, bool) {
	if given, ok := a.given[name]; ok {
		return given.hash, true
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	hash, ok := a.stored[name]
	return hash, ok
}

// checkAdmin refuses a name or password that nobody could log in with. The error is
// a BadRequest.
func checkAdmin(name, password string) error {
	if name == "" || strings.ContainsAny(name, ":\x00") {
		return couch.Errorf(couch.BadRequest, "An administrator's name must not be empty or hold a colon.")
	}
	if password == "" {
		return couch.Errorf(couch.BadRequest, "An administrator's password must not be empty.")
	}
	return nil
}

// SetPassword makes a stored administrator, or gives one a new password, which
// may come as a hash in one of the forms of CouchDB's [admins] section. It is
// durable when SetPassword returns. Errors: a BadRequest for a name or password
// that nobody could log in with; a Forbidden for an administrator that the
// environment or the configuration file names, unless the password is the one that
// is in force anyway.
func (a *Auth) SetPassword(ctx context.Context, name, password string) error {
	if err := checkAdmin(name, password); err != nil {
		return err
	}
	hash, err := a.hashOrParse(password)
	if err != nil {
		return err
	}
	if given, ok := a.given[name]; ok && !given.opens(password) {
		return given.refuse()
	}
	return a.changeStored(ctx, func(admins map[string]Hash) error {
		admins[name] = hash
		return nil
	})
}

// Remove takes a stored administrator away, durably. Errors: NotFound where
// there is none of that name, Forbidden for the last one, and for one that the
// environment or the configuration file names.
func (a *Auth) Remove(ctx context.Context, name string) error {
	if given, ok := a.given[name]; ok {
		return given.refuse()
	}
	return a.changeStored(ctx, func(admins map[string]Hash) error {
		if _, ok := admins[name]; !ok {
			return couch.ErrNotFound
		}
		if len(admins)+len(a.given) == 1 {
			return couch.Errorf(couch.Forbidden, "The last administrator cannot be removed.")
		}
		delete(admins, name)
		return nil
	})
}

// changeStored changes the stored administrators, in the store first.
func (a *Auth) changeStored(ctx context.Context, change func(map[string]Hash) error) error {
	a.writes.Lock()
	defer a.writes.Unlock()
	a.mu.RLock()
	admins := maps.Clone(a.stored)
	a.mu.RUnlock()
	if err := change(admins); err != nil {
		return err
	}
	if err := saveAdmins(ctx, a.settings, admins); err != nil {
		return err
	}
	a.mu.Lock()
	a.stored = admins
	a.mu.Unlock()
	return nil
}
