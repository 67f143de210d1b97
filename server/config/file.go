package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// File is what a configuration file says.
type File struct {
	Source
	// Admins are the administrators of the section [admins]: by name, a password or
	// a hash as CouchDB writes it.
	Admins map[string]string
	// BindAddress and Port are those of [chttpd]; empty where the file has none.
	BindAddress, Port string
	// Unknown are the names that mean nothing here, sorted.
	Unknown []ID
}

// What a file may say that counts when the server starts, and not after.
var (
	bindAddress = ID{"chttpd", "bind_address"}
	port        = ID{"chttpd", "port"}
)

// ReadFile reads a configuration file: TOML where its name ends in ".toml", else
// it must end in ".ini", as CouchDB's local.ini. Both have CouchDB's sections and
// keys. Errors tell the line or the name, never a value.
func ReadFile(path string) (*File, error) {
	parse := parseINI
	switch filepath.Ext(path) {
	case ".toml":
		parse = parseTOML
	case ".ini":
	default:
		return nil, fmt.Errorf("%s: a configuration's name must end in .toml or .ini", path)
	}
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	values, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file := sorted(values)
	file.Name = path
	if err := file.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

func readBounded(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxFile {
		return "", fmt.Errorf("%s: longer than %d bytes", path, maxFile)
	}
	return string(text), nil
}

// sorted tells the values apart by what they are for.
func sorted(values map[ID]string) *File {
	file := &File{Source: Source{Values: map[ID]string{}}, Admins: map[string]string{}}
	for _, id := range sortedIDs(values) {
		value := values[id]
		switch {
		case id.Section == "admins":
			file.Admins[id.Key] = value
		case id == bindAddress:
			file.BindAddress = value
		case id == port:
			file.Port = value
		case id.IsKnown():
			file.Values[id] = value
		default:
			file.Unknown = append(file.Unknown, id)
		}
	}
	return file
}
