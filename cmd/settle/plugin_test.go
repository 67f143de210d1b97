package main

import (
	"errors"
	"fmt"
	"os"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/rogpeppe/go-internal/testscript"
)

// pinned opens with the identity of data, for who knows the PIN.
type pinned struct {
	plugin   *plugin.Plugin
	identity *age.X25519Identity
}

func (p pinned) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	pin, err := p.plugin.RequestValue("Enter the PIN:", true)
	if err != nil {
		return nil, err
	}
	if pin != "1234" {
		return nil, errors.New("the PIN is wrong")
	}
	return p.identity.Unwrap(stanzas)
}

// pluginThatAsks is an age plugin whose identities and recipients hold native ones.
func pluginThatAsks() {
	p, err := plugin.New("asks")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return age.ParseX25519Recipient(string(data)) })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		identity, err := age.ParseX25519Identity(string(data))
		return pinned{p, identity}, err
	})
	os.Exit(p.Main())
}

func cmdPlugin(ts *testscript.TestScript, neg bool, args []string) {
	x, err := age.GenerateX25519Identity()
	ts.Check(err)
	text := fmt.Sprintf("# public key: %s\n%s\n", plugin.EncodeRecipient("asks", []byte(x.Recipient().String())), plugin.EncodeIdentity("asks", []byte(x.String())))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
