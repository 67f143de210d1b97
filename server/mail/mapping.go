package mail

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"settle/storage/couch"
)

// Mapping finds the database of an address. It is read from a file of lines
//
//	ADDRESS DATABASE
//
// where ADDRESS is a whole one, or a domain behind "@", or "@" for all others, and
// DATABASE may have {local} for what stands before the "@" of the recipient, {domain}
// for what stands behind it, and {hex} for the bytes of the former in hexadecimal, as
// in the names of couch_peruser. Empty lines, and those that begin with "#", say
// nothing. Case does not count, and "+" with what follows is no part of the local
// part, unless a line has the address with it. It is safe for concurrent use.
type Mapping struct {
	path string

	mu      sync.Mutex
	changed time.Time // the file's
	size    int64
	lines   map[string]string
}

// OpenMapping reads a mapping, and makes sure that it is one.
func OpenMapping(path string) (*Mapping, error) {
	m := &Mapping{path: path}
	return m, m.refresh()
}

// refresh reads the file again where it has changed. Where it cannot be read what was
// known stands.
func (m *Mapping) refresh() error {
	info, err := os.Stat(m.path)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines != nil && info.ModTime().Equal(m.changed) && info.Size() == m.size {
		return nil
	}
	text, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	lines, err := parseMapping(text)
	if err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	m.lines, m.changed, m.size = lines, info.ModTime(), info.Size()
	return nil
}

// parseMapping reads the lines. The first of two for an address counts.
func parseMapping(text []byte) (map[string]string, error) {
	lines := map[string]string{}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.Contains(fields[0], "@") {
			return nil, fmt.Errorf("line %d is not of the form ADDRESS DATABASE", n)
		}
		address := strings.ToLower(fields[0])
		if _, err := expand(fields[1], "a", "b"); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if _, twice := lines[address]; !twice {
			lines[address] = fields[1]
		}
	}
	return lines, scanner.Err()
}

// Find returns the database of an address; ok is false where there is none. A file
// that has become unreadable, or nonsense, leaves what was known: the error tells.
func (m *Mapping) Find(address string) (database string, ok bool, err error) {
	err = m.refresh()
	m.mu.Lock()
	lines := m.lines
	m.mu.Unlock()
	address = strings.ToLower(address)
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", false, err
	}
	local, domain := address[:at], address[at+1:]
	plain, _, _ := strings.Cut(local, "+")
	if plain == "" {
		plain = local
	}
	for _, key := range []string{address, plain + "@" + domain, "@" + domain, "@"} {
		pattern, found := lines[key]
		if !found {
			continue
		}
		database, nameErr := expand(pattern, plain, domain)
		return database, nameErr == nil, err // an address that makes no name has no database
	}
	return "", false, err
}

// expand makes the name of a database. The error is that of [couch.ValidateDatabaseName].
func expand(pattern, local, domain string) (string, error) {
	name := strings.NewReplacer("{local}", local, "{domain}", domain, "{hex}", hex.EncodeToString([]byte(local))).Replace(pattern)
	return name, couch.ValidateDatabaseName(name)
}
