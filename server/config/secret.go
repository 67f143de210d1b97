package config

import (
	"maps"
	"slices"
	"strings"
)

// Redacted is shown in place of a value that is a secret.
const Redacted = "[redacted]"

// secretSuffixes end the names of what is a secret, as far as names tell, in any case.
// A key alone is none: CouchDB's clients and tests name values so that stand for any.
var secretSuffixes = []string{"secret", "password", "passphrase", "token", "_key", "-key", "apikey"}

// IsSecret reports whether a value must never be shown: the keys of tokens, which
// may be those of other services too, what signs cookies, administrators' hashes,
// and whatever else is named a secret, a password, a token or a key of something, unless
// settle knows better.
func (id ID) IsSecret() bool {
	switch id.Section {
	case "jwt_keys", "admins":
		return true
	}
	if _, known := id.definition(); known {
		return id.Key == Secret.Key
	}
	key := strings.ToLower(id.Key)
	return slices.ContainsFunc(secretSuffixes, func(suffix string) bool { return strings.HasSuffix(key, suffix) })
}

// Shown returns what clients see of a section, which stays as it is.
func Shown(name string, section map[string]string) map[string]string {
	shown := maps.Clone(section)
	for key := range shown {
		if (ID{name, key}).IsSecret() {
			shown[key] = Redacted
		}
	}
	return shown
}
