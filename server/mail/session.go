package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"

	"github.com/emersion/go-smtp"

	"settle/server/courier"
	"settle/storage/couch"
)

// The answers to a recipient, or about one.
var (
	errUnknown   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such recipient here"}
	errLater     = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The store is not ready, try again later"}
	errFull      = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The recipient's database is full"}
	errFullForMe = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "The recipient's database is full"}
	errTooLarge  = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 3}, Message: "The message is too large for the recipient's database"}
	errRefused   = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The store does not take the message"}
	errNoSender  = &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "Name a sender first"}
)

// destination is a recipient of the message that is being received.
type destination struct{ address, database string }

// session is one connection of the agent's.
type session struct {
	ctx    context.Context // ends the deliveries
	server *Server
	o      *Options
	log    *slog.Logger
	conn   *conn
	to     []destination
}

var _ smtp.LMTPSession = (*session)(nil)

// Reset forgets the recipients.
func (s *session) Reset() { s.to = nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }

// Mail takes any sender.
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt finds the database of a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	database, ok, err := s.o.Mapping.Find(to)
	if err != nil {
		s.log.Warn("the mapping of recipients cannot be read again, and stays as it was", "error", err)
	}
	switch {
	case !ok && err != nil: // what cannot be read may name it
		return errLater
	case !ok:
		return errUnknown
	}
	s.to = append(s.to, destination{to, database})
	return nil
}

// Data is for SMTP, which nobody speaks here.
func (s *session) Data(io.Reader) error { return errNoSender }

// LMTPData takes a message and delivers it to each recipient. What is accepted is in
// the store, durably.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	held, err := readSpool(r, s.o.SpoolDir)
	if err != nil {
		if answer, ok := errors.AsType[*smtp.SMTPError](err); ok {
			return answer
		}
		s.log.Warn("a message could not be received", "error", err)
		return errLater
	}
	defer held.Close()
	if s.conn.ended.Load() {
		s.log.Warn("a message could not be received", "error", io.ErrUnexpectedEOF)
		return errLater
	}
	s.server.busy.RLock()
	defer s.server.busy.RUnlock()
	if s.server.draining.Load() {
		return errLater
	}
	about := ReadAbout(held.open(), held.length)
	for _, to := range s.to {
		status.SetStatus(to.address, s.answer(s.deliver(to, held, about)))
	}
	return nil
}

// deliver delivers a message to one recipient.
func (s *session) deliver(to destination, held *spool, about About) error {
	_, err := s.o.Courier.Deliver(s.ctx, courier.Parcel{
		Database: to.database, ID: s.o.Secret.id(to, held.digest),
		ContentType: "message/rfc822", Metadata: about,
		Content: held.open(), Length: held.length,
	})
	return err
}

// answer returns what the agent is told of a delivery.
func (s *session) answer(err error) error {
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*courier.Refusal](err)
	if !ok {
		s.log.Warn("the server cannot be reached", "error", err)
		return errLater
	}
	switch refusal.Name {
	case "conflict", "already_delivered":
		// The id is the message's: it was delivered before, only longer ago than the
		// server remembers, or with other words about it.
		return nil
	case "not_found":
		return errUnknown
	case "too_large", "attachment_too_large":
		return errTooLarge
	case "insufficient_storage":
		switch {
		case refusal.Reason != couch.ErrOverQuota.Reason: // but that the disk is full
		case s.o.RefuseOverQuota:
			return errFullForMe
		default:
			return errFull
		}
	case "bad_request":
		s.log.Warn("the server does not take a message", "status", refusal.Status, "error", refusal.Name)
		return errRefused
	}
	// Others are about the server, or not of it but of a proxy in front of it.
	s.log.Warn("the server does not take messages", "status", refusal.Status, "error", refusal.Name)
	return errLater
}

// id returns the id of a message's delivery to a recipient. The same message to the
// same database has the same id, and nobody without the secret can tell an id from
// the message.
func (s Secret) id(to destination, digest [sha256.Size]byte) string {
	mac := hmac.New(sha256.New, s.key[:])
	for _, field := range [][]byte{[]byte("settle/mail/1"), []byte(to.database), []byte(to.address), digest[:]} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		mac.Write(field)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
