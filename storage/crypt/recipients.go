package crypt

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// parseRecipient reads an age recipient: X25519 (age1…), post-quantum (age1pq1…)
// or a plugin's (age1name1…). Passphrases cannot be recipients of a keyring: age
// lets one stand alone only.
func parseRecipient(s string, ui *plugin.ClientUI) (age.Recipient, error) {
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		r, err = age.ParseHybridRecipient(s)
	case strings.HasPrefix(s, "age1") && strings.Count(s, "1") > 1 && isPluginRecipient(s):
		r, err = plugin.NewRecipient(s, ui)
	default:
		r, err = age.ParseX25519Recipient(s)
	}
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrRecipient, s, err)
	}
	return r, nil
}

func isPluginRecipient(s string) bool {
	name, _, err := plugin.ParseRecipient(s)
	return err == nil && name != ""
}

// AddRecipient adds an age recipient, who will be able to open the keyring once
// it is written. The recipients are all classic or all post-quantum, since one
// classic recipient takes away what the others protect from; with plugin
// recipients age decides by the labels that the plugin gives. The errors match
// ErrRecipient.
func (k *Keyring) AddRecipient(s string) error {
	if slices.Contains(k.recipients, s) {
		return nil
	}
	all, err := parseRecipients(append(k.Recipients(), s), noTerminal)
	if err != nil {
		return err
	}
	if err := tryRecipients(all); err != nil {
		return fmt.Errorf("%w %q: %w", ErrRecipient, s, err)
	}
	k.recipients = append(k.recipients, s)
	return nil
}

// RemoveRecipient removes a recipient and begins a new epoch: the removed one
// has seen the keys so far. What was sealed under them stays readable to who kept a
// copy, until it is sealed anew. The last recipient cannot be removed.
func (k *Keyring) RemoveRecipient(s string) error {
	i := slices.Index(k.recipients, s)
	switch {
	case i < 0:
		return fmt.Errorf("%w: the keyring has no recipient %q", ErrRecipient, s)
	case len(k.recipients) == 1:
		return fmt.Errorf("%w: %q is the last one", ErrRecipient, s)
	}
	k.recipients = slices.Delete(k.recipients, i, i+1)
	k.Rotate()
	return nil
}

func parseRecipients(ss []string, ui *plugin.ClientUI) ([]age.Recipient, error) {
	out := make([]age.Recipient, 0, len(ss))
	for _, s := range ss {
		r, err := parseRecipient(s, ui)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// tryRecipients lets age check that the recipients go together.
func tryRecipients(rs []age.Recipient) error {
	w, err := age.Encrypt(io.Discard, rs...)
	if err != nil {
		return err
	}
	return w.Close()
}

// noTerminal answers a plugin's every question with a failure.
var noTerminal = &plugin.ClientUI{
	DisplayMessage: func(_, _ string) error { return nil },
	RequestValue:   func(_, _ string, _ bool) (string, error) { return "", errNoAnswer },
	Confirm:        func(_, _, _, _ string) (bool, error) { return false, errNoAnswer },
}

var errNoAnswer = errors.New("nobody to ask")
