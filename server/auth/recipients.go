package auth

import (
	"encoding/json"
	"io"
	"slices"

	"filippo.io/age"

	"settle/storage/couch"
)

// maxRecipients bounds the recipients of a database: each costs every delivery some
// hundred bytes, and some hundred microseconds.
const maxRecipients = 64

// errRecipient does not repeat the text, which may be a secret key by mistake.
var errRecipient = &couch.Error{Kind: couch.BadRequest, Reason: "`recipients` must be a list of age X25519 public keys (age1...)"}

// parseRecipients reads the list without looking into its strings.
func parseRecipients(raw json.RawMessage) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	var list []string
	if err := parseStrings(raw, &list); err != nil {
		return nil, errRecipient
	}
	if len(list) > maxRecipients {
		return nil, couch.Errorf(couch.BadRequest, "`recipients` must not be more than %d", maxRecipients)
	}
	return list, nil
}

// Recipients returns whom deliveries are sealed to, each once; none where the
// database has no recipients. The error is a BadRequest for what is no X25519 public
// key.
func (s Security) Recipients() ([]age.Recipient, error) {
	var list []age.Recipient
	for i, text := range s.recipients {
		recipient, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, errRecipient
		}
		if !slices.Contains(s.recipients[:i], text) {
			list = append(list, recipient)
		}
	}
	return list, nil
}

// CheckRecipients makes sure that something can be sealed to every recipient: of some
// public keys, those of low order, that is found out only by doing it. The error is
// a BadRequest.
func (s Security) CheckRecipients() error {
	recipients, err := s.Recipients()
	if err != nil || len(recipients) == 0 {
		return err
	}
	if _, err := age.Encrypt(io.Discard, recipients...); err != nil {
		return errRecipient
	}
	return nil
}
