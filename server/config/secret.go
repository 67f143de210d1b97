package config

import (
	"maps"
	"strings"
)

// Redacted is shown in place of a value that is a secret.
const Redacted = "[redacted]"

// IsSecret reports whether a value must never be shown: the keys of tokens, which
// may be those of other services too, what signs cookies, administrators' hashes,
// and whatever else is named a secret or a password.
func (id ID) IsSecret() bool {
	switch id.Section {
	case "jwt_keys", "admins":
		return true
	}
	if _, known := id.definition(); known {
		return id.Key == Secret.Key
	}
	key := strings.ToLower(id.Key)
	return strings.HasSuffix(key, "secret") || strings.HasSuffix(key, "password") || strings.HasSuffix(key, "passphrase")
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
