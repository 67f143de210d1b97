package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// allDBs lists the names of the databases in a range. A list that is short
// enough to be held back has an ETag, made of the names.
func (h *handlers) allDBs(r *web.Request) error {
	names, err := NameRange(r.Query())
	if err != nil {
		return err
	}
	list, sum := r.NewList("[", ","), sha256.New()
	for name, err := range h.store.Databases(r.Context(), names) {
		if err != nil {
			return err
		}
		text, err := json.Marshal(name)
		if err != nil {
			return err
		}
		if err := list.Item(text); err != nil {
			return err
		}
		sum.Write(text)
	}
	if !r.Response.Committed && r.NotModified(hex.EncodeToString(sum.Sum(nil)[:16])) {
		return nil
	}
	return list.Close("]\n")
}

// errNoKeys refuses what CouchDB crashes at.
var errNoKeys = couch.Errorf(couch.QueryParse, "`keys` is not supported for lists of databases")

// NameRange reads the parameters of a list of databases, which are those of a list of
// documents. Errors are a QueryParse, or a BadRequest for what should be JSON.
func NameRange(q web.Query) (storage.NameRange, error) {
	p, err := viewparams.FromQuery(q)
	switch {
	case err != nil:
		return storage.NameRange{}, err
	case p.HasKeys:
		return storage.NameRange{}, errNoKeys
	}
	o := storage.NameRange{ExclusiveEnd: p.ExclusiveEnd, Descending: p.Descending, Skip: p.Skip, Limit: p.Limit}
	var isBehindAll, isBeforeAll bool
	o.Start, isBehindAll = bound(p.Start, p.Descending)
	o.End, isBeforeAll = bound(p.End, !p.Descending)
	if isBehindAll || isBeforeAll {
		o.Limit = 0
	}
	return o, nil
}

// bound returns an end of a range as a name, nil where it leaves nothing out. A key
// that is no string lies below every name: it leaves all of them out where they would
// have to be below it.
func bound(k *viewparams.Key, isAbove bool) (name *string, outside bool) {
	switch {
	case k == nil:
		return nil, false
	case k.IsString:
		return &k.ID, false
	}
	return nil, isAbove
}
