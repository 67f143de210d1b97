package changes

import (
	"context"
	"strings"
	"time"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// UpdatesRoutes returns the table of `_db_updates`: the feed of a database whose
// documents are named TYPE:DATABASE. find looks it up; its error is the answer.
// longest is as in [Options].
func UpdatesRoutes(find func(context.Context) (Database, error), longest func() time.Duration) []web.Route {
	serve := func(r *web.Request) error {
		f, err := openUpdates(r, find, longest())
		return answer(r, f, err)
	}
	return []web.Route{{Method: "GET", Path: "/_db_updates", Privilege: web.ServerAdmin, Handler: serve}}
}

func openUpdates(r *web.Request, find func(context.Context) (Database, error), longest time.Duration) (*feed, error) {
	o, err := parseUpdatesOptions(r.Query(), r.Header.Get("Last-Event-ID"), longest)
	if err != nil {
		return nil, err
	}
	db, err := find(r.Context())
	if err != nil {
		return nil, err
	}
	return begin(&feed{r: r, db: db, o: o, filter: &filter{events: true}, out: newOutput(r, o.kind.updatesLayout())})
}

var (
	errUpdatesFeed    = couch.Errorf(couch.BadRequest, "Supported `feed` types: normal, continuous, longpoll, eventsource")
	errInvalidInteger = couch.Errorf(couch.BadRequest, "invalid_integer")
)

// parseUpdatesOptions reads the parameters that `_db_updates` has in common with
// `_changes`, and leaves out the others. Here the case of their names matters. Errors
// are a BadRequest.
func parseUpdatesOptions(q web.Query, lastEventID string, longest time.Duration) (options, error) {
	var known web.Query
	for _, p := range q {
		counts, err := isUpdatesOption(p)
		if err != nil {
			return options{}, err
		}
		if counts {
			known = append(known, p)
		}
	}
	o, err := parseOptions(known, lastEventID, longest)
	if err == errFeed {
		err = errUpdatesFeed
	}
	return o, err
}

// isUpdatesOption says whether a parameter counts for `_db_updates`.
func isUpdatesOption(p web.QueryParam) (bool, error) {
	switch p.Name {
	case "feed":
		if p.Value == "live" {
			return false, errUpdatesFeed
		}
	case "heartbeat":
		if p.Value == "true" || p.Value == "false" {
			return p.Value == "true", nil
		}
		n, err := parseInt(p.Value)
		if err != nil || n < 0 {
			return false, errInvalidInteger
		}
		return n > 0, nil
	case "limit", "timeout":
		if n, err := parseInt(p.Value); err != nil || n < 0 {
			return false, errInvalidInteger
		}
	case "since", "descending":
	default:
		return false, nil
	}
	return true, nil
}

// The forms of `_db_updates`. Its events are rows of `_changes`, as in CouchDB.
var (
	updatesListLayout, updatesLineLayout = asUpdates(listLayout), asUpdates(lineLayout)
)

func asUpdates(l layout) layout {
	l.appendRow, l.noPending = appendUpdate, true
	return l
}

func (k kind) updatesLayout() *layout {
	switch k {
	case normal, longpoll:
		return &updatesListLayout
	case continuous:
		return &updatesLineLayout
	}
	return k.layout()
}

// isEvent reports whether a document stands for an event.
func isEvent(id couch.DocID) bool { return !id.IsDesign() && strings.Contains(string(id), ":") }

// appendUpdate appends an event without the closing brace.
func appendUpdate(b []byte, c *couch.Change, seq string) []byte {
	event, name, _ := strings.Cut(string(c.ID), ":")
	b = docjson.AppendString(append(b, `{"db_name":`...), name)
	b = docjson.AppendString(append(b, `,"type":`...), event)
	return append(append(b, `,"seq":`...), seq...)
}
