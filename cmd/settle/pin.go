package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// pins answers age plugins that ask for a PIN.
type pins struct {
	known  bool
	pin    string                                // where it is known
	ask    func(question string) (string, error) // asked where it is not
	logger *slog.Logger
}

// readPIN reads the PIN from the file that is named, else from settle.pin in
// $CREDENTIALS_DIRECTORY, where there is one.
func (o opening) readPIN() (pin string, known bool, err error) {
	path := o.PINFile
	if path == "" {
		dir := o.getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", false, nil
		}
		path = filepath.Join(dir, "settle.pin")
	}
	text, err := os.ReadFile(path)
	if o.PINFile == "" && errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return strings.TrimRight(string(text), "\r\n"), err == nil, err
}

// answer answers a plugin.
func (p *pins) answer(plugin, question string) (string, error) {
	if p.known {
		return p.pin, nil
	}
	pin, err := p.ask(fmt.Sprintf("age plugin %s: %s", plugin, strings.TrimRight(question, ": ")))
	if err != nil { // which the plugin is not told
		p.logger.Warn("an age plugin asks for a PIN; --pin-file names its file", "plugin", plugin, "error", err)
	}
	return pin, err
}
