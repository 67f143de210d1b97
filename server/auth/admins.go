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
	return slices.Sorted(maps.Keys(a.inForce()))
}

// inForce returns the administrators that count. a.mu is held.
func (a *Auth) inForce() map[string]Hash {
	if a.given != nil {
		return a.given
	}
	return a.stored
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
	a.mu.RLock()
	defer a.mu.RUnlock()
	hash, ok := a.inForce()[name]
	return hash, ok
}

// SetPassword makes a stored administrator, or gives one a new password, which
// may come as a hash in one of the forms of CouchDB's [admins] section. It is
// durable when SetPassword returns. Where the environment names the
// administrator, the stored ones wait until it does not. Errors: a BadRequest
// for a name or password that nobody could log in with.
func (a *Auth) SetPassword(ctx context.Context, name, password string) error {
	if name == "" || strings.ContainsAny(name, ":\x00") {
		return couch.Errorf(couch.BadRequest, "An administrator's name must not be empty or hold a colon.")
	}
	if password == "" {
		return couch.Errorf(couch.BadRequest, "An administrator's password must not be empty.")
	}
	hash, err := a.hashOrParse(password)
	if err != nil {
		return err
	}
	return a.changeStored(ctx, func(admins map[string]Hash) error {
		admins[name] = hash
		return nil
	})
}

// Remove takes a stored administrator away, durably. Errors: NotFound where
// there is none of that name, Forbidden for the last one.
func (a *Auth) Remove(ctx context.Context, name string) error {
	return a.changeStored(ctx, func(admins map[string]Hash) error {
		if _, ok := admins[name]; !ok {
			return couch.ErrNotFound
		}
		if len(admins) == 1 {
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
