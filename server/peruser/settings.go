package peruser

import (
	"encoding/hex"

	"settle/server/config"
)

// settings are the values of the section [couch_peruser]. Its q, a number of
// shards, has no meaning here.
type settings struct {
	version   uint64 // of the configuration
	enabled   bool
	deleteDBs bool
	prefix    string
}

func readSettings(c *config.Config) settings {
	return settings{
		version:   c.Version(), // read first: a change in between counts as one behind
		enabled:   c.Bool(config.PerUserEnable),
		deleteDBs: c.Bool(config.PerUserDeleteDBs),
		prefix:    c.Get(config.PerUserDatabasePrefix),
	}
}

// databaseName returns the name of a user's database. Each byte of the user's
// name is two digits: CouchDB writes those below 16 as one, and so gives one
// database to several users.
func (s settings) databaseName(user string) string {
	return s.prefix + hex.EncodeToString([]byte(user))
}
