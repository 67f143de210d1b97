package changes

import (
	"io"
	"strconv"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// layout is how a kind of feed arranges its rows.
type layout struct {
	contentType, cacheControl string

	open      string // in front of everything
	separator string // between two rows
	before    string // in front of each row
	after     string // behind each row
	withID    bool   // the sequence comes again behind the row
	end       string // in front of the last sequence
	noSeq     bool   // the last sequence is left out
	beat      string

	// appendRow appends a row without the closing brace; nil: as [appendChange].
	appendRow func(b []byte, c *couch.Change, seq string) []byte
	noPending bool // the number of rows that are not shown is left out
}

var (
	listLayout = layout{
		contentType: "application/json", cacheControl: "must-revalidate",
		open: "{\"results\":[\n", separator: ",\r\n", end: "\n],\n", beat: "\n",
	}
	lineLayout = layout{
		contentType: "application/json", cacheControl: "must-revalidate",
		after: "\n", end: "{", beat: "\n",
	}
	eventLayout = layout{
		contentType: "text/event-stream", cacheControl: "no-cache",
		before: "data: ", after: "\n\n", withID: true, end: "\n", noSeq: true, beat: "event: heartbeat\ndata: \n\n",
	}
)

func (k kind) layout() *layout {
	switch k {
	case continuous:
		return &lineLayout
	case eventSource:
		return &eventLayout
	}
	return &listLayout
}

// begin writes what stands in front of the first row.
func (o *output) begin() error {
	_, err := io.WriteString(o, o.layout.open)
	return err
}

// row writes a change. seq is the printed sequence as JSON, or "null"; doc,
// where not nil, writes the document.
func (o *output) row(c *couch.Change, seq string, doc func(*output) error) error {
	b := o.buffer()
	if o.rows > 0 {
		*b = append(*b, o.layout.separator...)
	}
	o.rows++
	*b = append(*b, o.layout.before...)
	if o.layout.appendRow != nil {
		*b = o.layout.appendRow(*b, c, seq)
	} else {
		*b = appendChange(*b, c, seq)
	}
	if doc != nil {
		*b = append(*b, `,"doc":`...)
		if err := doc(o); err != nil {
			return err
		}
	}
	b = o.buffer()
	*b = append(*b, '}')
	if o.layout.withID {
		*b = append(append(*b, "\nid: "...), seq...)
	}
	*b = append(*b, o.layout.after...)
	return o.overflow()
}

// appendChange appends a row up to its document, without the closing brace.
func appendChange(b []byte, c *couch.Change, seq string) []byte {
	b = append(append(b, `{"seq":`...), seq...)
	b = docjson.AppendString(append(b, `,"id":`...), string(c.ID))
	b = append(b, `,"changes":[`...)
	for i, rev := range c.Revs {
		if i > 0 {
			b = append(b, ',')
		}
		b = docjson.AppendString(append(b, `{"rev":`...), rev.String())
		b = append(b, '}')
	}
	b = append(b, ']')
	if c.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	return b
}

// close writes the end of the feed and sends everything. seq is JSON.
func (o *output) close(seq string, pending int64) error {
	b := o.buffer()
	*b = append(*b, o.layout.end...)
	if !o.layout.noSeq {
		*b = append(append(*b, `"last_seq":`...), seq...)
		if !o.layout.noPending {
			*b = strconv.AppendInt(append(*b, `,"pending":`...), pending, 10)
		}
		*b = append(*b, "}\n"...)
	}
	err := o.flush()
	o.release()
	return err
}
