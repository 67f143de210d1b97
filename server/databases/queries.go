package databases

import (
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/docjson"
)

// queries returns the handler that answers several lists at once. Each query
// takes from the query parameters what it does not say itself. As in CouchDB the
// body's type does not matter.
func queries(ns namespace, read optionsReader) web.Handler {
	return func(r *web.Request) error {
		common, err := read(r)
		if err != nil {
			return err
		}
		var all []viewparams.Params
		err = viewparams.ReadUntyped(r, func(body *docjson.Reader) (err error) {
			all, err = viewparams.ReadQueries(body, common)
			return err
		})
		if err != nil {
			return err
		}
		if err := checkAll(r, all); err != nil {
			return err
		}
		return writeQueries(r, ns, all)
	}
}

// checkAll checks the options of every query.
func checkAll(r *web.Request, all []viewparams.Params) error {
	db := web.DatabaseOf[Database](r)
	for i := range all {
		if err := check(&all[i], db); err != nil {
			return err
		}
	}
	return nil
}

func writeQueries(r *web.Request, ns namespace, all []viewparams.Params) error {
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
