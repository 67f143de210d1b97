package config

import "slices"

// Presets are the names that [Preset] takes.
var Presets = []string{"obsidian", "pouchdb"}

// Preset returns a set of values that lets a kind of client in from a browser or
// an app: "obsidian" is what Obsidian LiveSync's wizard sets and checks, "pouchdb"
// is for pages of any origin. ok is false for another name.
func Preset(name string) (s Source, ok bool) {
	if !slices.Contains(Presets, name) {
		return Source{}, false
	}
	values := map[ID]string{ // clients look into the old sections too
		EnableCORS:               "true",
		{"httpd", "enable_cors"}: "true",
		CORSCredentials:          "true",
	}
	if name == "pouchdb" {
		values[CORSOrigins] = "*"
		values[CORSHeaders] = "accept, accept-language, authorization, content-type, destination, if-match, if-none-match, origin, pragma, range, " +
			"referer, x-couch-full-commit, x-csrf-token, x-http-method-override, x-requested-with"
		return Source{Name: "the preset pouchdb", Values: values}, true
	}
	values[CORSOrigins] = "app://obsidian.md,capacitor://localhost,http://localhost" // LiveSync does not trim
	values[RequireValidUser], values[AuthRequireValidUser] = "true", "true"
	values[RequireValidUserButUp] = "true"
	values[ID{"httpd", "WWW-Authenticate"}] = `Basic realm="couchdb"`
	values[MaxRequestSize] = "4294967296"
	values[MaxDocumentSize] = "50000000"
	return Source{Name: "the preset obsidian", Values: values}, true
}
