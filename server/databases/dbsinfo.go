package databases

import (
	"errors"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxInfos is how many databases one POST to `_dbs_info` may name, CouchDB's
// default for max_db_number_for_dbs_info_req.
const maxInfos = 100

// infosInRange describes the databases of a range of names.
func (d *Databases) infosInRange(r *web.Request) error {
	o, err := nameRange(r.Query())
	if err != nil {
		return err
	}
	list := r.NewList("[", ",")
	for name, err := range d.store.Databases(r.Context(), o) {
		if err != nil {
			return err
		}
		if err := d.infoItem(list, r, name); err != nil {
			return err
		}
	}
	return list.Close("]\n")
}

// infoItem writes the item of one database; none where it is gone again.
func (d *Databases) infoItem(list *web.List, r *web.Request, name string) error {
	item := append(docjson.AppendString([]byte(`{"key":`), name), ',')
	item, found, err := d.describe(item, r, name)
	if err != nil || !found {
		return err
	}
	return list.Item(append(item, '}'))
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

func nameRange(q web.Query) (o storage.NameRange, err error) {
	if o.Start, err = q.JSONString("startkey", "start_key"); err != nil {
		return o, err
	}
	if o.End, err = q.JSONString("endkey", "end_key"); err != nil {
		return o, err
	}
	inclusive, err := q.Bool([]string{"inclusive_end"}, true)
	if err != nil {
		return o, err
	}
	o.ExclusiveEnd = !inclusive
	if o.Descending, err = q.Bool([]string{"descending"}, false); err != nil {
		return o, err
	}
	if o.Skip, err = q.Count("skip", 0); err != nil {
		return o, err
	}
	o.Limit, err = q.Count("limit", -1)
	return o, err
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
	names, err := readNames(docjson.NewReader(body))
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

func readNames(r *docjson.Reader) ([]viewparams.Key, error) {
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
	case len(names) > maxInfos:
		return nil, couch.Errorf(couch.BadRequest, "`keys` array must have no more than %d names.", maxInfos)
	}
	return names, nil
}
