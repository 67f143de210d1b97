package changes

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// kind is one of the forms in which changes are fed.
type kind int

const (
	normal kind = iota
	longpoll
	continuous
	eventSource
)

// kinds are the values of `feed`; live is another name for continuous.
var kinds = map[string]kind{
	"normal": normal, "longpoll": longpoll, "continuous": continuous, "live": continuous, "eventsource": eventSource,
}

// live reports whether the feed goes on after its first rows, and sends each
// row as soon as it has it.
func (k kind) live() bool { return k == continuous || k == eventSource }

const (
	// noLimit is the number of rows where no limit is given, as in CouchDB: what
	// seq_interval leaves out follows from it.
	noLimit = 1_000_000_000_000_000
)

// options are the query parameters of a feed.
type options struct {
	kind        kind
	since       string
	limit       int64 // rows; negative: no limit, and a continuous feed shows what there is
	interval    int64 // seq_interval; 0: every row has its sequence
	heartbeat   time.Duration
	timeout     time.Duration // counts where there is no heartbeat
	longest     time.Duration // the default of timeout and heartbeat; neither may be more
	filter      string
	attachments bool // documents have their attachments' content inline
	changes     couch.ChangesOptions
}

var (
	errFeed      = couch.Errorf(couch.BadRequest, "Supported `feed` types: normal, continuous, live, longpoll, eventsource")
	errHeartbeat = couch.Errorf(couch.BadRequest, "Invalid heartbeat value. Expecting a positive integer value (in milliseconds).")
	errNoBeat    = couch.Errorf(couch.BadRequest, "The heartbeat value should be a positive integer (in milliseconds).")
	errInterval  = couch.Errorf(couch.BadRequest, "invalid_seq_interval")
)

// parseOptions reads the query parameters, whose names count in any case; of
// several the last counts, and unknown ones are ignored. lastEventID is the
// header with which a browser's EventSource goes on; longest is how long the feed
// may wait. Errors are a BadRequest.
func parseOptions(q web.Query, lastEventID string, longest time.Duration) (options, error) {
	o := options{since: "0", limit: noLimit, timeout: longest, longest: longest}
	for _, p := range q {
		if err := o.set(strings.ToLower(p.Name), p.Value); err != nil {
			return o, err
		}
	}
	if o.kind == eventSource && lastEventID != "" {
		o.since = lastEventID
	}
	return o, nil
}

func (o *options) set(name, value string) error {
	on := value == "true"
	switch name {
	case "feed":
		k, ok := kinds[value]
		if !ok {
			return errFeed
		}
		o.kind = k
	case "since", "last-event-id":
		o.since = value
	case "filter":
		o.filter = value
	case "style":
		if value != "main_only" && value != "all_docs" {
			return couch.Errorf(couch.BadRequest, "Invalid value for `style`: expecting main_only or all_docs")
		}
		o.changes.AllLeaves = value == "all_docs"
	case "descending":
		o.changes.Descending = o.changes.Descending || on
	case "include_docs":
		o.changes.IncludeDocs = o.changes.IncludeDocs || on
	case "conflicts":
		o.changes.Doc.Conflicts = o.changes.Doc.Conflicts || on
	case "attachments":
		o.attachments = o.attachments || on
	default:
		return o.setNumber(name, value)
	}
	return nil
}

// setNumber is set for the parameters that are numbers.
func (o *options) setNumber(name, value string) error {
	n, err := parseInt(value)
	switch name {
	case "limit":
		if err != nil {
			return couch.Errorf(couch.BadRequest, "Invalid value for `limit`: expecting an integer")
		}
		o.limit = n
	case "timeout":
		if err != nil {
			return couch.Errorf(couch.BadRequest, "Invalid value for `timeout`: expecting milliseconds")
		}
		o.timeout = o.milliseconds(n)
	case "heartbeat":
		switch {
		case value == "true":
			o.heartbeat = o.longest
			return nil
		case err != nil:
			return errHeartbeat
		case n <= 0:
			return errNoBeat
		}
		o.heartbeat = o.milliseconds(n)
	case "seq_interval":
		if err != nil || n <= 0 {
			return errInterval
		}
		o.interval = n
	}
	return nil
}

// parseInt reads an integer; one beyond 64 bits is the nearest within.
func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return n, err
}

// milliseconds is a time to wait, from none to the longest.
func (o *options) milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), o.longest.Milliseconds())) * time.Millisecond
}
