package databases

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"settle/server/node"
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// infosInRange describes the databases of a range of names. An answer that is short
// enough to be held back has an ETag, made of its text.
func (d *Databases) infosInRange(r *web.Request) error {
	o, err := node.NameRange(r.Query())
	if err != nil {
		return err
	}
	list, sum := r.NewList("[", ","), sha256.New()
	for name, err := range d.store.Databases(r.Context(), o) {
		if err != nil {
			return err
		}
		item := append(docjson.AppendString([]byte(`{"key":`), name), ',')
		item, found, err := d.describe(item, r, name)
		if err != nil {
			return err
		}
		if !found { // gone again
			continue
		}
		if err := list.Item(append(item, '}')); err != nil {
			return err
		}
		sum.Write(item)
	}
	if !r.Response.Committed && r.NotModified(hex.EncodeToString(sum.Sum(nil)[:16])) {
		return nil
	}
	return list.Close("]\n")
}

// describe appends the member "info" of a database, where there is one.
func (d *Databases) describe(item []byte, r *web.Request, name string) (_ []byte, found bool, err error) {
	db, err := d.store.Database(r.Context(), name)
	var described []byte
	if err == nil {
		described, err = d.appendInfo(append(item, `"info":`...), r, db)
	}
	switch {
	case errors.Is(err, couch.ErrDatabaseMissing):
		return item, false, nil
	case err != nil:
		return item, false, err
	}
	return described, true, nil
}

// infosByName describes the databases that the body names, in its order.
func (d *Databases) infosByName(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	body, err := r.OpenBody()
	if err != nil {
		return err
	}
	names, err := readNames(docjson.NewReader(body), r.Limits().MaxInfos)
	if err != nil {
		return err
	}
	list := r.NewList("[", ",")
	for _, name := range names {
		item, found := append(append([]byte(`{"key":`), name.Text...), ','), false
		if name.IsString {
			if item, found, err = d.describe(item, r, name.ID); err != nil {
				return err
			}
		}
		if !found {
			item = append(item, `"error":"not_found"`...)
		}
		if err := list.Item(append(item, '}')); err != nil {
			return err
		}
	}
	return list.Close("]\n")
}

func readNames(r *docjson.Reader, limit int64) ([]viewparams.Key, error) {
	if err := viewparams.RequireObject(r); err != nil {
		return nil, err
	}
	var names []viewparams.Key
	given := false
	for member, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		if member != "keys" {
			continue
		}
		given = true
		if names, err = viewparams.ReadKeys(r, couch.Errorf(couch.BadRequest, "`keys` member must be an array.")); err != nil {
			return nil, err
		}
	}
	switch err := r.End(); {
	case err != nil:
		return nil, err
	case !given:
		return nil, couch.Errorf(couch.BadRequest, "`keys` member must exist.")
	case limit > 0 && int64(len(names)) > limit:
		return nil, couch.Errorf(couch.BadRequest, "too_many_keys")
	}
	return names, nil
}
