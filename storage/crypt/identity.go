package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
)

const maxIdentitySize = 1 << 20

// Identity is what an identity file holds: age identities, native or a plugin's.
type Identity struct {
	path       string
	identities []age.Identity
	recipients []string // those of the identities, as far as the file tells them: a plugin's stand in a comment
	plugins    []string // the names of the plugins that will run
}

// Format implements fmt.Formatter: an identity prints as [redacted].
func (Identity) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// LogValue implements slog.LogValuer.
func (Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// IdentityPath returns where the identity file is, or will be made: flag, if it
// is not empty, else $CREDENTIALS_DIRECTORY/settle.identity, if there is such a file,
// else $XDG_CONFIG_HOME/settle/identity, where XDG_CONFIG_HOME defaults to
// $HOME/.config. Without any of these it is an error.
func IdentityPath(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if dir := getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		path := filepath.Join(dir, "settle.identity")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return defaultIdentityPath(getenv)
}

func defaultIdentityPath(getenv func(string) string) (string, error) {
	config := getenv("XDG_CONFIG_HOME")
	if config == "" {
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("no place for the identity file: HOME is not set; name one with --identity")
		}
		config = filepath.Join(home, ".config")
	}
	if !filepath.IsAbs(config) {
		return "", fmt.Errorf("no place for the identity file: %q is not an absolute path", config)
	}
	return filepath.Join(config, "settle", "identity"), nil
}

// CreateIdentity makes a new X25519 identity in a file of mode 0600, and its
// directory, mode 0700, if there is none. Nothing is overwritten. File and
// directory are durable when it returns.
func CreateIdentity(path string) (*Identity, error) {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := makeDirs(dir); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), x.Recipient(), x)
	if err := writeNewFile(path, []byte(text)); err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return &Identity{path: path, identities: []age.Identity{x}, recipients: []string{x.Recipient().String()}}, nil
}

// identityReader reads identity files.
type identityReader struct {
	passphrase func() (string, error) // nil: nobody to ask
	ui         *plugin.ClientUI
}

// read reads an identity file: lines as age-keygen and plugins write them, or
// that text encrypted with a passphrase. Errors match ErrBadIdentity, and never
// hold a line of the file.
func (ir identityReader) read(path string) (*Identity, error) {
	text, err := readSmallFile(path, maxIdentitySize)
	if err != nil {
		return nil, err
	}
	if text, err = ir.decrypt(text); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBadIdentity, path, err)
	}
	id := &Identity{path: path}
	for n, line := range strings.Split(string(text), "\n") {
		if err := id.parseLine(strings.TrimSpace(line), ir.ui); err != nil {
			return nil, fmt.Errorf("%w: %s, line %d: %w", ErrBadIdentity, path, n+1, err)
		}
	}
	if len(id.identities) == 0 {
		return nil, fmt.Errorf("%w: %s holds no identity", ErrBadIdentity, path)
	}
	return id, nil
}

// decrypt takes the passphrase off an identity file, if it has one.
func (ir identityReader) decrypt(text []byte) ([]byte, error) {
	var sealed io.Reader
	switch {
	case bytes.HasPrefix(text, []byte("age-encryption.org/")):
		sealed = bytes.NewReader(text)
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)):
		sealed = armor.NewReader(bytes.NewReader(text))
	default:
		return text, nil
	}
	if ir.passphrase == nil {
		return nil, errors.New("it is protected by a passphrase, and there is no terminal to ask for it")
	}
	pass, err := ir.passphrase()
	if err != nil {
		return nil, fmt.Errorf("asking for its passphrase: %w", err)
	}
	scrypt, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(sealed, scrypt)
	if err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return io.ReadAll(io.LimitReader(r, maxIdentitySize))
}

func (id *Identity) parseLine(line string, ui *plugin.ClientUI) error {
	switch {
	case line == "":
	case strings.HasPrefix(line, "#"):
		id.parseComment(line)
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		p, err := plugin.NewIdentity(line, ui)
		if err != nil {
			return errors.New("malformed plugin identity")
		}
		id.identities = append(id.identities, p)
		id.plugins = append(id.plugins, p.Name())
	default:
		native, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil {
			return errors.New("not an age identity")
		}
		id.identities = append(id.identities, native[0])
		id.addRecipient(recipientOf(native[0]))
	}
	return nil
}

// parseComment takes a plugin's recipient from a comment: "# public key: age1…"
// or "# Recipient: age1…".
func (id *Identity) parseComment(line string) {
	_, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	if ok && strings.HasPrefix(value, "age1") && isPluginRecipient(value) {
		id.addRecipient(value)
	}
}

func (id *Identity) addRecipient(s string) {
	if s != "" && !slices.Contains(id.recipients, s) {
		id.recipients = append(id.recipients, s)
	}
}

func recipientOf(i age.Identity) string {
	switch i := i.(type) {
	case *age.X25519Identity:
		return i.Recipient().String()
	case *age.HybridIdentity:
		return i.Recipient().String()
	}
	return ""
}
