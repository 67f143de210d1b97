package databases

import (
	"bufio"
	"errors"
	"iter"
	"strings"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/design"
)

// ListAllDocs returns the list of all documents in parts: what stands in front of the
// rows, an object, and the rows, each of which is valid until the next. The request's
// database must be a [Database]. Errors are a QueryParse, and those of the database.
func ListAllDocs(r *web.Request, o *viewparams.Params) (head []byte, rows iter.Seq2[[]byte, error], err error) {
	if err := check(o, web.DatabaseOf[Database](r)); err != nil {
		return nil, nil, err
	}
	w, err := newListWriter(r, allDocs, o)
	if err != nil {
		return nil, nil, err
	}
	return []byte(strings.TrimSuffix(w.head(), ",\"rows\":[\r\n") + "}"), w.each, nil
}

// each yields the rows one by one.
func (w *listWriter) each(yield func([]byte, error) bool) {
	part := &rowPart{yield: yield}
	w.out = bufio.NewWriter(part)
	w.separate = func() {
		w.out.Flush() // its error comes back from the next write
		part.end()
	}
	err := w.rows()
	if err == nil && w.written > 0 {
		w.separate()
	}
	if err != nil && !errors.Is(err, errEnough) {
		yield(nil, err)
	}
}

// errEnough ends a list of which no more is asked for.
var errEnough = errors.New("no more rows are asked for")

// rowPart gathers the text of a row.
type rowPart struct {
	row    design.RowText
	enough bool
	yield  func([]byte, error) bool
}

// Write adds p to the row.
func (p *rowPart) Write(text []byte) (int, error) {
	if p.enough {
		return 0, errEnough
	}
	return p.row.Write(text)
}

func (p *rowPart) end() {
	if !p.enough {
		p.enough = !p.yield(p.row, nil)
	}
	p.row = p.row[:0]
}
