package docjson

import (
	"io"

	"settle/storage/couch"
)

// Options says how to read a document.
type Options struct {
	// MaxBody is the largest body, in bytes as CouchDB counts them for
	// max_document_size: compact, strings without escapes. Members that a later
	// one of the same name replaces count too. Zero means 512 MiB, which no
	// limit exceeds.
	MaxBody int64
	// Store writes an inline attachment's content to the blob store. nil: the
	// content is checked and dropped, and its attachment has neither Pending nor
	// Digest.
	Store Store
	// StoreLike, where it is set, is Store, told the digest that stands before the
	// content in the text; zero: there is none.
	StoreLike func(name string, digest couch.Digest, content io.Reader) (couch.Attachment, error)
	// Uploads: attachments may name an upload. Else the member is as unknown as others.
	Uploads bool
}

// store returns what takes contents, nil for nobody.
func (o *Options) store() func(string, couch.Digest, io.Reader) (couch.Attachment, error) {
	if o.StoreLike != nil || o.Store == nil {
		return o.StoreLike
	}
	return func(name string, _ couch.Digest, content io.Reader) (couch.Attachment, error) {
		return o.Store(name, content)
	}
}

// Store takes the content of the attachment name, decoded, while it is read from
// the stream; content is not valid after Store returns. Of its result Pending,
// Blob, Digest and Length are taken.
//
// An error of Store ends the reading, unless content itself returned one. What is gzip,
// as its attachment says, Store takes twice: as it came, and then unpacked, read from the
// Pending of the first.
type Store func(name string, content io.Reader) (couch.Attachment, error)

// Parsed is a document that was read from a client.
type Parsed struct {
	ID    couch.DocID
	HasID bool // a document may come without

	// Revisions is the path that `_revisions` gives, else that of `_rev` alone,
	// else empty.
	Revisions   couch.Revisions
	Deleted     bool
	Attachments []Attachment // in the order of the text
	Body        couch.Body
}

// Attachment is an attachment of a document that was read: a Stub, inline content
// that is now Pending, or one that Follows. RevPos, Digest and Length are zero
// where a stub or one that follows does not say them; the RevPos of a stub that says
// one which is no generation is couch.NoRevPos.
type Attachment struct {
	couch.Attachment

	// Follows says that the content comes in a part of its own, in the order of
	// the attachments that follow.
	Follows bool
	// Upload is the id of the upload that is its content, as the client gives it.
	Upload string
	// HasLength tells a Length of 0 from none, HasDigest a Digest of zeros, of those
	// that follow and of uploads.
	HasLength, HasDigest bool
	// Encoding is "gzip" where the part's bytes, their Digest and EncodedLength
	// are of the gzip form, and Length of the content; else empty.
	Encoding      string
	EncodedLength int64
}

// Rev returns the revision that the document names, or none.
func (p *Parsed) Rev() couch.RevID { return p.Revisions.Leaf() }

// Discard removes the content that reading the document brought into the blob
// store, of attachments that no document has taken over.
func (p *Parsed) Discard() {
	for i := range p.Attachments {
		if pending := p.Attachments[i].Pending; pending != nil {
			pending.Discard()
		}
	}
}

var errNotDocument = &couch.Error{Kind: couch.BadRequest, Reason: "Document must be a JSON object"}

// Document reads one document.
//
// Errors of the document itself leave the Reader behind it: BadRequest,
// DocValidation, IllegalDocID. Malformed JSON, errors of Store, and a body beyond
// MaxBody (DocumentTooLarge, whose reason is the id as far as it is known) end
// the reading. With any error, what Store wrote has been discarded; otherwise it
// belongs to the caller.
func (r *Reader) Document(o Options) (*Parsed, error) {
	kind, err := r.Kind()
	if err != nil {
		return nil, err
	}
	if kind != Object {
		return nil, firstError(r.Skip(), errNotDocument)
	}
	d := &document{r: r, store: o.store(), uploads: o.Uploads, doc: new(Parsed)}
	outer := r.depth
	r.depth = 0 // MaxDepth is the document's own, also within a batch
	err = d.read(o.MaxBody)
	r.depth = outer
	if err != nil {
		d.discard()
		return nil, err
	}
	return d.doc, nil
}

// document is a document that is being read.
type document struct {
	r        *Reader
	store    func(string, couch.Digest, io.Reader) (couch.Attachment, error)
	uploads  bool
	doc      *Parsed
	specials []specialMember // in the order of the last place of each name
	atts     []inlineAttachment
}

func (d *document) read(maxBody int64) error {
	if maxBody <= 0 || maxBody > maxBuild {
		maxBody = maxBuild
	}
	tooLarge := &couch.Error{Kind: couch.DocumentTooLarge}
	b := &builder{withTerm: true, limit: maxBody, over: tooLarge}
	hint := min(d.r.end-d.r.pos, 2<<10)
	b.text, b.term = make([]byte, 0, hint), make([]byte, 0, hint+hint/2)
	err := d.r.buildObject(b, d.special)
	d.r.values++
	if err != nil {
		if err == error(tooLarge) {
			tooLarge.Reason = d.knownID()
		}
		return d.r.fail(err)
	}
	if err := d.apply(); err != nil {
		return err
	}
	d.doc.Body = couch.Body{Text: b.text, Term: b.term}
	return nil
}
