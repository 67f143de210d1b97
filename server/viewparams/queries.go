package viewparams

import (
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxQueries bounds the queries of one request.
const maxQueries = 10_000

var (
	errQueriesMissing = couch.Errorf(couch.BadRequest, "POST body must include `queries` parameter.")
	errQueriesArray   = couch.Errorf(couch.BadRequest, "`queries` member must be an array.")
)

// ReadQueries reads the JSON object at which r stands: its member `queries` is a list
// of parameters, each of which takes from common what it does not say itself, but neither
// keys nor grouping. Errors are those of FromQuery, and a RequestTooLarge.
func ReadQueries(r *docjson.Reader, common Params) ([]Params, error) {
	var all []Params
	given := false
	for name, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		if name != "queries" {
			continue
		}
		given = true
		if all, err = readList(r, common); err != nil {
			return nil, err
		}
	}
	if !given {
		return nil, errQueriesMissing
	}
	return all, nil
}

// readList reads the array of queries at which r stands.
func readList(r *docjson.Reader, common Params) ([]Params, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		return nil, errQueriesArray
	}
	common.Keys, common.HasKeys = nil, false
	common.Group, common.GroupLevel, common.levelGiven = nil, 0, false
	var all []Params
	keys := 0
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		o := common
		if err := o.ReadObject(r, fromQueries); err != nil {
			return nil, err
		}
		all = append(all, o)
		for _, k := range o.Keys {
			keys += len(k.Text) + 16
		}
		if keys > MaxKeys || len(all) > maxQueries {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
	}
	return all, nil
}
