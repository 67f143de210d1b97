package delivery

import (
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"settle/server/auth"
	"settle/server/web"
	"settle/storage/couch"
)

// maxID bounds the id of a delivery, in bytes.
const maxID = 1 << 10

var (
	errSystem       = &couch.Error{Kind: couch.Forbidden, Reason: "Nothing is delivered into a database of the server's own."}
	errID           = &couch.Error{Kind: couch.BadRequest, Reason: "The id of a delivery must be UTF-8, of 1 to 1024 bytes."}
	errNoRecipients = &web.Error{Status: http.StatusPreconditionFailed, Name: "no_recipients", Reason: "The database has no recipients to seal to."}
)

// delivery is one request.
type delivery struct {
	*web.Request
	db         Database
	id         couch.DeliveryID
	recipients []age.Recipient
	room       int64  // what the quota admits, in bytes; couch.NoQuota: anything
	metadata   []byte // JSON; nil: none
	content    *content
}

// put answers PUT /{db}/_delivery/{id}.
func put(r *web.Request) error {
	d := &delivery{Request: r, db: web.DatabaseOf[Database](r)}
	d.id = couch.DeliveryID{Deliverer: r.Session.User.Name, ID: r.Param("id")}
	switch {
	case slices.Contains(couch.SystemDatabases, d.db.Name()):
		return errSystem
	case len(d.id.ID) == 0 || len(d.id.ID) > maxID || !utf8.ValidString(d.id.ID):
		return errID
	}
	known, err := d.db.HasReceipt(r.Context(), d.id)
	if err != nil {
		return err
	}
	deliver := d.first
	if known {
		deliver = d.again
	}
	made, err := deliver()
	if err != nil {
		return err
	}
	return d.answer(made)
}

// again takes a delivery whose id is known: it only compares.
func (d *delivery) again() (couch.Delivered, error) {
	if err := d.open(); err != nil {
		return couch.Delivered{}, err
	}
	if err := d.content.drain(); err != nil {
		return couch.Delivered{}, err
	}
	return d.db.Deliver(d.Context(), couch.Delivery{DeliveryID: d.id, Fingerprint: d.fingerprint()})
}

// first takes a new delivery.
func (d *delivery) first() (couch.Delivered, error) {
	if err := d.admit(); err != nil {
		return couch.Delivered{}, err
	}
	if err := d.open(); err != nil {
		return couch.Delivered{}, err
	}
	stored, err := d.store()
	if err != nil {
		return couch.Delivered{}, err
	}
	defer stored.Pending.Discard()
	doc, err := d.document(stored, time.Now())
	if err != nil {
		return couch.Delivered{}, err
	}
	return d.db.Deliver(d.Context(), couch.Delivery{DeliveryID: d.id, Fingerprint: d.fingerprint(), Document: doc})
}

// admit refuses what there is no room for before anything of the body is read, and
// learns whom to seal to.
func (d *delivery) admit() error {
	quota, err := d.db.Quota(d.Context())
	if err != nil {
		return err
	}
	if err := quota.Admits(max(d.ContentLength, 1)); err != nil {
		return err
	}
	if d.room = quota.Max; d.room != couch.NoQuota {
		d.room -= quota.Used()
	}
	text, err := d.db.Security(d.Context())
	if err != nil {
		return err
	}
	security, err := auth.ParseSecurity(text)
	if err == nil {
		d.recipients, err = security.Recipients()
	}
	if err != nil { // stored, so it was in order once
		return &couch.Error{Kind: couch.Corrupt, Reason: "The stored security object is damaged.", Err: err}
	}
	return nil
}

func (d *delivery) answer(made couch.Delivered) error {
	status := http.StatusOK
	if made.New {
		status = http.StatusCreated
	}
	return d.WriteJSON(status, struct {
		OK  bool   `json:"ok"`
		ID  string `json:"id"`
		Rev string `json:"rev"`
	}{true, string(made.ID), made.Rev.String()})
}
