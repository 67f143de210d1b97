package databases

import (
	"bufio"
	"context"
	"net/http"
	"strconv"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// namespace is one of the sets of documents that can be listed.
type namespace int

const (
	allDocs namespace = iota
	designDocs
	localDocs
)

// The ids of design documents lie between these.
const (
	firstDesign couch.DocID = couch.DesignPrefix
	lastDesign  couch.DocID = "_design0"
)

// optionsReader reads the options of a request that its query has. Errors are
// those of queryOptions.
type optionsReader func(*web.Request) (viewparams.Params, error)

// ofDatabase reads the options of a list of the whole database.
func ofDatabase(r *web.Request) (viewparams.Params, error) { return viewparams.FromQuery(r.Query()) }

// list returns the handler of a list.
func list(ns namespace, read optionsReader) web.Handler {
	return func(r *web.Request) error {
		o, err := read(r)
		if err == nil && r.Method == http.MethodPost {
			err = viewparams.ReadBody(r, func(body *docjson.Reader) error { return o.ReadObject(body, viewparams.FromBody) })
		}
		if err == nil {
			err = check(&o, web.DatabaseOf[Database](r))
		}
		if err != nil {
			return err
		}
		return writeList(r, ns, &o)
	}
}

// writeList answers with one list.
func writeList(r *web.Request, ns namespace, o *viewparams.Params) error {
	w, err := newListWriter(r, ns, o)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return r.NewList("", "").Flush()
	}
	answer := r.NewList("", "")
	if err := w.write(answer.Begin()); err != nil {
		return err
	}
	return answer.Close("\n")
}

var errNoPartitions = couch.Errorf(couch.QueryParse, "`partition` parameter is not supported on this db")

// check finds parameters that contradict each other, or the kind of database. The
// error is a QueryParse.
func check(o *viewparams.Params, db Database) error {
	if err := o.CheckMap(); err != nil {
		return err
	}
	if err := o.CheckRange(); err != nil {
		return err
	}
	if o.Partition == "" {
		return nil
	}
	if !db.Partitioned() {
		return errNoPartitions
	}
	return o.CheckLimit()
}

// listWriter writes one list.
type listWriter struct {
	ctx context.Context
	db  Database
	ns  namespace
	o   *viewparams.Params
	ids idRange

	total, offset int64
	updateSeq     string

	out     *bufio.Writer
	written int // rows
	// separate, where not nil, ends a row instead of the comma between it and the next.
	separate func()
}

// newListWriter finds out what stands in front of a list's rows.
func newListWriter(r *web.Request, ns namespace, o *viewparams.Params) (*listWriter, error) {
	w := &listWriter{ctx: r.Context(), db: web.DatabaseOf[Database](r), ns: ns, o: o, ids: rangeOf(o)}
	if o.Partition != "" {
		first, last := partitionBounds(o.Partition)
		w.ids = w.ids.within(first, last, o.Descending)
	}
	info, err := w.db.Info(w.ctx)
	if err != nil {
		return nil, err
	}
	w.updateSeq = w.db.FormatSeq(info.UpdateSeq)
	switch ns {
	case localDocs:
		return w, nil
	case allDocs:
		w.total = info.DocCount
	case designDocs:
		if w.total, err = w.countDesignDocs(); err != nil {
			return nil, err
		}
		w.ids = w.ids.within(firstDesign, lastDesign, o.Descending)
	}
	w.offset, err = w.findOffset()
	return w, err
}

func (w *listWriter) countDesignDocs() (int64, error) {
	first, last := firstDesign, lastDesign
	return w.count(couch.AllDocsOptions{Start: &first, End: &last, Limit: -1})
}

func (w *listWriter) count(o couch.AllDocsOptions) (n int64, err error) {
	for _, err := range w.db.AllDocs(w.ctx, o) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// findOffset returns how many documents lie in front of the first row, but never
// more than the list's total.
func (w *listWriter) findOffset() (n int64, err error) {
	switch {
	case w.o.HasKeys:
		return 0, nil
	case w.ids.behindAll:
		return w.total, nil
	case w.ids.start == nil:
	case w.ns == designDocs:
		n, err = w.count(couch.AllDocsOptions{
			End: w.ids.start, ExclusiveEnd: true, Descending: w.o.Descending, Limit: int(w.total),
		})
	default:
		n, err = w.db.AllDocsOffset(w.ctx, couch.AllDocsOptions{Start: w.ids.start, Descending: w.o.Descending})
	}
	if int64(w.o.Skip) > w.total {
		return w.total, err
	}
	return min(n+int64(w.o.Skip), w.total), err
}

// head is what stands in front of the rows.
func (w *listWriter) head() string {
	total, offset, seq := "null", "null", "null"
	if w.ns != localDocs {
		total = strconv.FormatInt(w.total, 10)
	}
	if w.ns != localDocs && !w.o.HasKeys {
		offset = strconv.FormatInt(w.offset, 10)
	}
	if !w.o.HasKeys {
		seq = `"` + w.updateSeq + `"`
	}
	head := `{"total_rows":` + total + `,"offset":` + offset
	if w.o.UpdateSeq {
		head += `,"update_seq":` + seq
	}
	return head + ",\"rows\":[\r\n"
}

// write writes the whole list to out, without a line break at its end.
func (w *listWriter) write(out *bufio.Writer) error {
	w.out = out
	out.WriteString(w.head()) // an error comes back from the next write
	if err := w.rows(); err != nil {
		return err
	}
	_, err := out.WriteString("\r\n]}")
	return err
}

// begin returns where to write the next row.
func (w *listWriter) begin() *bufio.Writer {
	if w.written++; w.written > 1 && w.separate != nil {
		w.separate()
	} else if w.written > 1 {
		w.out.WriteString(",\r\n")
	}
	return w.out
}

// rows writes the rows.
func (w *listWriter) rows() error {
	switch {
	case w.o.HasKeys:
		return w.rowsByKey()
	case w.ids.empty:
		return nil
	case w.ns == localDocs:
		return w.localRows()
	}
	for row, err := range w.db.AllDocs(w.ctx, w.ids.options(w.o)) {
		if err != nil {
			return err
		}
		if err := w.row(&row); err != nil {
			return err
		}
	}
	return nil
}

func (w *listWriter) localRows() error {
	for doc, err := range w.db.LocalDocs(w.ctx, w.ids.options(w.o)) {
		if err != nil {
			return err
		}
		if err := w.localRow(doc); err != nil {
			return err
		}
	}
	return nil
}
