package docjson

import (
	"io"
	"strings"

	"settle/storage/couch"
)

// defaultContentType is that of attachments which do not say their own.
const defaultContentType = "application/octet-stream"

// inlineAttachment is a member of `_attachments`, read but not yet judged. Its
// members come in any order, so that its content is stored before it is known
// what it is for.
type inlineAttachment struct {
	Attachment
	data    couch.Attachment // Digest and Length of the stored content
	hasData bool
	badType bool
	digest  string
	enc     string
	dead    bool // a later attachment has the same name
}

// readAttachments reads `_attachments`. A second one of the same document
// replaces the first.
func (d *document) readAttachments() (func(*Parsed) error, error) {
	d.discard()
	kind, err := d.r.Kind()
	if err != nil {
		return nil, err
	}
	if kind != Object {
		return badMember("_attachments"), d.r.Skip()
	}
	kept, index := 0, make(map[string]int)
	for name, err := range d.r.Members() {
		if err != nil {
			return nil, err
		}
		if kept += len(name) + 256; kept > MaxValue {
			return nil, d.r.fail(errLarge)
		}
		if i, ok := index[name]; ok {
			d.drop(i)
		}
		if kind, err := d.r.Kind(); err != nil {
			return nil, err
		} else if kind != Object {
			continue // ignored, as in CouchDB
		}
		index[name] = len(d.atts)
		if err := d.readAttachment(name); err != nil {
			return nil, err
		}
	}
	return d.applyAttachments, nil
}

// drop takes an attachment out and discards its content.
func (d *document) drop(i int) {
	a := &d.atts[i]
	a.dead = true
	a.discard()
}

// discard drops all attachments that have been read.
func (d *document) discard() {
	for i := range d.atts {
		d.drop(i)
	}
	d.atts = nil
}

func (a *inlineAttachment) discard() {
	if a.Pending != nil {
		a.Pending.Discard()
		a.Pending, a.Blob = nil, couch.BlobID{}
	}
}

func (d *document) readAttachment(name string) error {
	d.atts = append(d.atts, inlineAttachment{})
	a := &d.atts[len(d.atts)-1]
	a.Name, a.ContentType = name, defaultContentType
	for member, err := range d.r.Members() {
		if err != nil {
			return err
		}
		if err := d.readAttachmentMember(a, member); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) readAttachmentMember(a *inlineAttachment, member string) error {
	var err error
	var ok bool
	switch member {
	case "content_type":
		a.ContentType, ok, err = d.r.optionalString()
		a.badType = !ok
	case "data":
		err = d.readData(a)
	case "stub":
		a.Stub, err = d.r.isTrue()
	case "follows":
		a.Follows, err = d.r.isTrue()
	case "revpos":
		a.RevPos, _, err = d.r.optionalUint()
	case "length":
		var n uint64
		n, a.HasLength, err = d.r.optionalUint()
		a.Length = int64(n)
	case "encoded_length":
		var n uint64
		n, _, err = d.r.optionalUint()
		a.EncodedLength = int64(n)
	case "digest":
		a.digest, _, err = d.r.optionalString()
	case "encoding":
		a.enc, _, err = d.r.optionalString()
	}
	return err
}

// readData hands an inline attachment's content to the store. Bad base64 is
// remembered, since it does not matter to a stub; only the store's own errors
// and malformed JSON are returned.
func (d *document) readData(a *inlineAttachment) error {
	a.discard()
	a.hasData = false
	kind, err := d.r.Kind()
	if err != nil {
		return err
	}
	if kind != String {
		return d.r.Skip()
	}
	d.r.pos++
	content := &base64Reader{r: d.r}
	wanted := !a.Stub && !a.Follows
	if wanted && d.store != nil {
		if err := d.keep(a, content); err != nil {
			return d.r.fail(err)
		}
	}
	if err := content.drain(); err != nil {
		a.discard()
		return err
	}
	d.r.values++
	a.hasData = wanted && content.err == io.EOF
	if !a.hasData {
		a.discard()
	}
	return nil
}

// keep stores content. That it is not base64 is no error here.
func (d *document) keep(a *inlineAttachment, content *base64Reader) error {
	stored, err := d.store(a.Name, content)
	if err != nil {
		if content.err == errBase64 {
			return nil
		}
		return err
	}
	a.Blob, a.Pending = stored.Blob, stored.Pending
	a.data = couch.Attachment{Digest: stored.Digest, Length: stored.Length}
	return nil
}

func (d *document) applyAttachments(p *Parsed) error {
	for i := range d.atts {
		a := &d.atts[i]
		if a.dead {
			continue
		}
		if err := a.finish(); err != nil {
			return err
		}
		p.Attachments = append(p.Attachments, a.Attachment)
	}
	return nil
}

// finish makes the attachment what its members together say.
func (a *inlineAttachment) finish() error {
	switch {
	case a.Name != "" && a.Name[0] == '_':
		return couch.Errorf(couch.BadRequest, "Attachment name '%s' starts with prohibited character '_'", a.Name)
	case a.badType:
		return couch.Errorf(couch.BadRequest, "Invalid attachment content_type for %s", a.Name)
	case a.Stub:
		a.discard()
		a.Follows, a.enc = false, ""
		return a.promised()
	case a.Follows:
		a.discard()
		return a.promised()
	case !a.hasData:
		return couch.Errorf(couch.BadRequest, "Invalid attachment data for %s", a.Name)
	}
	a.Digest, a.Length, a.HasLength, a.EncodedLength = a.data.Digest, a.data.Length, true, 0
	return nil
}

// promised reads what the text says of content that is elsewhere.
func (a *inlineAttachment) promised() error {
	switch a.enc {
	case "gzip":
		a.Encoding = a.enc
	case "", "identity":
		a.EncodedLength = 0
	default:
		return couch.Errorf(couch.BadRequest, "Invalid attachment encoding for %s", a.Name)
	}
	if !strings.HasPrefix(a.digest, "md5-") {
		return nil
	}
	digest, err := couch.ParseDigest(a.digest)
	if err != nil {
		return couch.Errorf(couch.BadRequest, "Invalid attachment digest for %s", a.Name)
	}
	a.Digest = digest
	return nil
}
