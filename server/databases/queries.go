package databases

import (
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxQueries bounds the queries of one request.
const maxQueries = 10_000

var (
	errQueriesMissing = couch.Errorf(couch.BadRequest, "POST body must include `queries` parameter.")
	errQueriesArray   = couch.Errorf(couch.BadRequest, "`queries` member must be an array.")
)

// queries returns the handler that answers several lists at once. Each query
// takes from the query parameters what it does not say itself.
func queries(ns namespace, read optionsReader) web.Handler {
	return func(r *web.Request) error {
		common, err := read(r)
		if err != nil {
			return err
		}
		var all []listOptions
		given := false
		err = readListBody(r, func(body *docjson.Reader) error {
			for name, err := range body.Members() {
				if err != nil {
					return err
				}
				if name != "queries" {
					continue
				}
				given = true
				if all, err = readQueries(body, common); err != nil {
					return err
				}
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case !given:
			return errQueriesMissing
		}
		if err := checkAll(r, all); err != nil {
			return err
		}
		return writeQueries(r, ns, all)
	}
}

// readQueries reads the array of queries at which r stands.
func readQueries(r *docjson.Reader, common listOptions) ([]listOptions, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		return nil, errQueriesArray
	}
	var all []listOptions
	keys := 0
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		o := common
		if err := o.readBody(r, fromQueries); err != nil {
			return nil, err
		}
		all = append(all, o)
		for _, k := range o.keys {
			keys += len(k.text) + 16
		}
		if keys > maxKeys || len(all) > maxQueries {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
	}
	return all, nil
}

// checkAll checks the options of every query.
func checkAll(r *web.Request, all []listOptions) error {
	db := web.DatabaseOf[Database](r)
	for i := range all {
		if err := all[i].check(db); err != nil {
			return err
		}
	}
	return nil
}

func writeQueries(r *web.Request, ns namespace, all []listOptions) error {
	answer := r.NewList("{\"results\":[\r\n", ",\r\n")
	for i := range all {
		w, err := newListWriter(r, ns, &all[i])
		if err != nil {
			return err
		}
		if err := w.write(answer.Begin()); err != nil {
			return err
		}
	}
	return answer.Close("\r\n]}\n")
}
