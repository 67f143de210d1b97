package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"settle/server/auth"
	"settle/server/config"
)

// settingFlags say what the server's configuration is to begin with.
type settingFlags struct {
	Config     string            `type:"path" placeholder:"FILE" env:"SETTLE_CONFIG" help:"A configuration with CouchDB's sections and keys: TOML (settle.toml) or CouchDB's local.ini."`
	CORSPreset string            `name:"cors-preset" default:"" enum:",obsidian,pouchdb" placeholder:"NAME" env:"SETTLE_CORS_PRESET" help:"Let clients in from browsers and apps: obsidian (LiveSync) or pouchdb (pages of any origin)."`
	Set        map[string]string `placeholder:"SECTION/KEY=VALUE" env:"SETTLE_SET" help:"A value of the configuration; more of them between semicolons. Not for secrets: others see command lines."`
}

// startSettings are what stands outside the store.
type startSettings struct {
	sources []config.Source // the stronger behind the weaker
	file    *config.File    // an empty one where there is none
}

// defaultListen is where the server listens unless something says otherwise.
const defaultListen = "127.0.0.1:5984"

// read gathers the settings, and checks them before anything is made. It changes
// nothing. What the file has that means nothing here is logged, by its name.
func (f *settingFlags) read(env *environment) (*startSettings, error) {
	s := &startSettings{file: &config.File{}}
	if preset, ok := config.Preset(f.CORSPreset); ok {
		s.sources = append(s.sources, preset)
	}
	if f.Config != "" {
		file, err := config.ReadFile(f.Config)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		if err := auth.CheckFileAdmins(file.Admins); err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("%s: %w", f.Config, err)}
		}
		if len(file.Unknown) > 0 {
			env.logger.Warn("the configuration file says what means nothing here", "file", f.Config, "keys", file.Unknown)
		}
		s.file = file
		s.sources = append(s.sources, file.Source)
	}
	if secret := env.getenv("COUCHDB_SECRET"); secret != "" {
		s.sources = append(s.sources, config.Source{Name: "COUCHDB_SECRET", Values: map[config.ID]string{config.Secret: secret}})
	}
	flags, err := f.set()
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--set: %w", err)}
	}
	s.sources = append(s.sources, flags)
	return s, nil
}

// set returns the values of --set, checked.
func (f *settingFlags) set() (config.Source, error) {
	s := config.Source{Name: "--set", Values: map[config.ID]string{}}
	for name, value := range f.Set {
		section, key, ok := strings.Cut(name, "/")
		id := config.ID{Section: section, Key: key}
		switch {
		case !ok:
			return s, errors.New("must be of the form SECTION/KEY=VALUE")
		case !id.IsKnown():
			return s, fmt.Errorf("%v means nothing here", id)
		}
		s.Values[id] = strings.TrimSpace(value)
	}
	return s, s.Check()
}

// listen returns the address to listen on: what the flag says, else the
// configuration file, else the default.
func (s *startSettings) listen(flag string) string {
	if flag != "" {
		return flag
	}
	host, port, _ := net.SplitHostPort(defaultListen)
	return net.JoinHostPort(cmp.Or(s.file.BindAddress, host), cmp.Or(s.file.Port, port))
}

// logOutranked tells what was given that does not count.
func (s *startSettings) logOutranked(conf *config.Config, logger *slog.Logger) {
	for _, source := range s.sources {
		if keys := conf.Outranked(source); len(keys) > 0 {
			logger.Info("the configuration has other values than were given", "by", source.Name, "keys", keys)
		}
	}
}
