package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"settle/server/web"
	"settle/storage"
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

// NameRange reads the parameters of a list of databases. Errors are a QueryParse, or a
// BadRequest for what should be JSON.
func NameRange(q web.Query) (o storage.NameRange, err error) {
	if o.Start, err = q.JSONString("startkey", "start_key"); err != nil {
		return o, err
	}
	if o.End, err = q.JSONString("endkey", "end_key"); err != nil {
		return o, err
	}
	key, err := q.JSONString("key")
	if err != nil {
		return o, err
	}
	if key != nil {
		o.Start, o.End = key, key
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
