package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"filippo.io/age"

	"settle/server/courier"
)

// delivererFlags say to which server somebody delivers, and who does.
type delivererFlags struct {
	User         string `placeholder:"NAME" env:"SETTLE_DELIVERER" help:"Who delivers."`
	PasswordFile string `type:"path" placeholder:"FILE" help:"Holds the password; else $$SETTLE_DELIVERER_PASSWORD."`
}

// courier returns a courier to a server.
func (f *delivererFlags) courier(env *environment, server string) (*courier.Courier, error) {
	password := env.getenv("SETTLE_DELIVERER_PASSWORD")
	if f.PasswordFile != "" {
		text, err := os.ReadFile(f.PasswordFile)
		if err != nil {
			return nil, err
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	c, err := courier.New(server, f.User, password)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--to: %w", err)}
	}
	return c, nil
}

// deliverCmd delivers a file into a database.
type deliverCmd struct {
	delivererFlags
	To        string   `required:"" placeholder:"URL" env:"SETTLE_TO" help:"The database: https://couch.example.org/DATABASE."`
	Recipient []string `short:"r" placeholder:"KEY" help:"Seal the content here, to this age public key (age1...); may be given several times."`
	ID        string   `name:"id" placeholder:"ID" help:"The delivery's id; else a random one, which is printed. The same file again with the same id is delivered once."`
	Type      string   `placeholder:"TYPE" default:"application/octet-stream" help:"The content's type."`
	Metadata  string   `type:"path" placeholder:"FILE" help:"A JSON object that tells about the content; the server seals it."`
	File      string   `arg:"" help:"The file to deliver; - is standard input."`
}

// Help returns what stands below the flags.
func (deliverCmd) Help() string {
	return `Without --recipient the server seals the content to the database's recipients, and
sees it while it arrives. With --recipient it sees what is sealed already; sealing
differs each time, so that a file sealed twice is not the same delivery.

Prints the delivery's id, and the id and revision of the document.`
}

// Run delivers the file.
func (c *deliverCmd) Run(env *environment) error {
	harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, database, err := splitDatabase(c.To)
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("--to: %w", err)}
	}
	to, err := c.courier(env, server)
	if err != nil {
		return err
	}
	parcel := courier.Parcel{Database: database, ID: cmp.Or(c.ID, rand.Text()), ContentType: c.Type}
	if parcel.Metadata, err = c.metadata(); err != nil {
		return err
	}
	content, err := c.open(&parcel)
	if err != nil {
		return err
	}
	defer content.Close()
	receipt, err := to.Deliver(ctx, parcel)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s %s %s\n", parcel.ID, receipt.ID, receipt.Rev)
	return err
}

// splitDatabase takes the last segment off a database's URL. The error does not show
// the URL, which may have a password in it.
func splitDatabase(text string) (server, database string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", errors.New("must be a URL")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	at := strings.LastIndexByte(path, '/')
	if at < 0 || at == len(path)-1 {
		return "", "", errors.New("must name a database")
	}
	if database, err = url.PathUnescape(path[at+1:]); err != nil {
		return "", "", err
	}
	u.RawPath, u.Path = path[:at], ""
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return "", "", err
	}
	return u.String(), database, nil
}

// metadata reads the JSON object; nil where there is none.
func (c *deliverCmd) metadata() (any, error) {
	if c.Metadata == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.Metadata)
	if err != nil {
		return nil, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, fmt.Errorf("%s holds no JSON object", c.Metadata)
	}
	return json.RawMessage(text), nil
}

// open opens the content, and puts it into the parcel, sealed where it is to be.
func (c *deliverCmd) open(parcel *courier.Parcel) (io.Closer, error) {
	file := os.Stdin
	parcel.Length = -1
	if c.File != "-" {
		var err error
		if file, err = os.Open(filepath.Clean(c.File)); err != nil {
			return nil, err
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			parcel.Length = info.Size()
		}
	}
	parcel.Content = file
	if len(c.Recipient) == 0 {
		return file, nil
	}
	var recipients []age.Recipient
	for _, text := range c.Recipient {
		recipient, err := age.ParseX25519Recipient(text)
		if err != nil {
			file.Close()
			return nil, &exitError{exitUsage, errors.New("--recipient: must be an age public key (age1...)")}
		}
		recipients = append(recipients, recipient)
	}
	var err error
	if parcel.Content, err = age.EncryptReader(file, recipients...); err != nil {
		file.Close()
		return nil, err
	}
	parcel.Length = -1
	return file, nil
}
