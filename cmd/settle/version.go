package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"settle/server/node"
)

// versionCmd prints the version.
type versionCmd struct{}

// Run prints one line: the program's version, Go's, and CouchDB's whose API it
// serves.
func (versionCmd) Run(env *environment) error {
	_, err := fmt.Fprintf(env.stdout, "settle %s (%s, CouchDB %s)\n", version(), runtime.Version(), node.Version)
	return err
}

// version returns the module's version, and the commit where there is one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	return v
}
