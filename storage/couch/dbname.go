package couch

import "slices"

// SystemDatabases are the names with an underscore that a database may have.
var SystemDatabases = []string{"_users", "_replicator", "_global_changes", "_metadata"}

// maxDatabaseName is CouchDB's limit, in bytes.
const maxDatabaseName = 238

// ValidateDatabaseName checks a database name that a client gave: lower-case
// letters, digits and _$()+-/ after a letter. The error is IllegalDatabaseName.
func ValidateDatabaseName(name string) error {
	if slices.Contains(SystemDatabases, name) {
		return nil
	}
	ok := name != "" && name[0] >= 'a' && name[0] <= 'z' && len(name) <= maxDatabaseName
	for i := 0; ok && i < len(name); i++ {
		ok = isNameByte(name[i])
	}
	if !ok {
		return Errorf(IllegalDatabaseName, "Name: '%s'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, -, and / are allowed. Must begin with a letter.", name)
	}
	return nil
}

func isNameByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '_', '$', '(', ')', '+', '-', '/':
		return true
	}
	return false
}
