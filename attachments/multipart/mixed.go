package multipart

import (
	"io"

	"settle/storage/couch"
)

const errorType = jsonType + `; error="true"`

// OpenRevsWriter writes the answer to GET /db/doc?open_revs= as multipart/mixed.
// Its Content-Type is ContentType("mixed", boundary). After an error every call
// returns it.
type OpenRevsWriter struct {
	out      counter
	boundary string
	begun    bool
}

// NewOpenRevsWriter returns a writer to w, which it does not close.
func NewOpenRevsWriter(w io.Writer, boundary string) *OpenRevsWriter {
	return &OpenRevsWriter{out: counter{w: w}, boundary: boundary}
}

// Document writes a revision that was found. The boundary of doc must be another
// than that of the whole; it may be the same for all documents.
func (m *OpenRevsWriter) Document(doc *Related) error {
	m.part(doc.ContentType())
	return m.finish(doc)
}

// Missing writes a revision that was not found, by its JSON: {"missing":"N-hash"}.
func (m *OpenRevsWriter) Missing(json []byte) error {
	m.part(errorType)
	return m.finish(&Related{Document: json})
}

// Close writes the end.
func (m *OpenRevsWriter) Close() error {
	m.begin()
	m.out.text("--")
	return m.out.err
}

func (m *OpenRevsWriter) begin() {
	if !m.begun {
		m.out.text("--" + m.boundary)
		m.begun = true
	}
}

func (m *OpenRevsWriter) part(contentType string) {
	m.begin()
	m.out.text("\r\nContent-Type: " + contentType + "\r\n\r\n")
}

func (m *OpenRevsWriter) finish(doc *Related) error {
	if err := m.out.related(doc); err != nil {
		return err
	}
	m.out.text("\r\n--" + m.boundary)
	return m.out.err
}

// BulkGetWriter writes the answer to POST /db/_bulk_get as multipart. Its
// Content-Type is ContentType(subtype, boundary), where the subtype is the one
// that the client accepts, "mixed" or "related". After an error every call
// returns it.
//
// CouchDB's boundaries have two dashes in front here, and only here:
// "--" + NewBoundary().
type BulkGetWriter struct {
	out      counter
	boundary string
	begun    bool
}

// NewBulkGetWriter returns a writer to w, which it does not close.
func NewBulkGetWriter(w io.Writer, boundary string) *BulkGetWriter {
	return &BulkGetWriter{out: counter{w: w}, boundary: boundary}
}

// Document writes a revision that was found. The boundary of doc must be another
// than that of the whole; it may be the same for all documents.
func (m *BulkGetWriter) Document(id couch.DocID, rev couch.RevID, doc *Related) error {
	if len(doc.Attachments) == 0 {
		m.part("Content-Type: " + jsonType)
	} else {
		m.part("X-Doc-Id: " + headerText(string(id)) +
			"\r\nX-Rev-Id: " + headerText(rev.String()) +
			"\r\nContent-Type: multipart/related; boundary=" + doc.Boundary)
	}
	return m.out.related(doc)
}

// Error writes a document that was not found, by its JSON:
// {"rev":..,"error":"not_found","reason":"missing"}.
func (m *BulkGetWriter) Error(json []byte) error {
	m.part("Content-Type: " + errorType)
	return m.out.related(&Related{Document: json})
}

// Close writes the end. Like CouchDB it writes nothing where there was no part.
func (m *BulkGetWriter) Close() error {
	if m.begun {
		m.out.text("\r\n--" + m.boundary + "--\r\n")
	}
	return m.out.err
}

func (m *BulkGetWriter) part(header string) {
	m.begun = true
	m.out.text("\r\n--" + m.boundary + "\r\n" + header + "\r\n\r\n")
}

// related writes a whole document, and keeps any error.
func (c *counter) related(doc *Related) error {
	if c.err == nil {
		_, err := doc.WriteTo(c)
		if c.err == nil {
			c.err = err
		}
	}
	return c.err
}
