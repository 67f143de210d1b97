package docjson

import (
	"encoding/base64"
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
	data      couch.Attachment // Digest and Length of the stored content
	hasData   bool
	badType   bool
	badUpload bool
	enc       string
	dead      bool // a later attachment has the same name

	digest                        string
	badDigest                     bool // it is no string
	revPos, length, encodedLength count
}

// count is a member that ought to be an integer from 0 on.
type count struct {
	n         uint64
	given, ok bool
}

func (c *count) read(r *Reader) (err error) {
	c.given = true
	c.n, c.ok, err = r.optionalUint()
	return err
}

func (c *count) bad() bool { return c.given && !c.ok }

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
	case "upload":
		err = d.readUpload(a)
	case "revpos":
		err = a.revPos.read(d.r)
	case "length":
		err = a.length.read(d.r)
	case "encoded_length":
		err = a.encodedLength.read(d.r)
	case "digest":
		a.digest, ok, err = d.r.optionalString()
		a.badDigest = !ok
	case "encoding":
		a.enc, _, err = d.r.optionalString()
	}
	return err
}

// readUpload reads the id of an upload.
func (d *document) readUpload(a *inlineAttachment) (err error) {
	if !d.uploads {
		return d.r.Skip()
	}
	var ok bool
	a.Upload, ok, err = d.r.optionalString()
	a.badUpload = !ok || a.Upload == ""
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
	wanted := !a.Stub && !a.Follows && a.CheckBounds() == nil
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
	digest, _ := couch.ParseDigest(a.digest) // of another form it tells nothing
	stored, err := d.store(a.Name, digest, content)
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
		if err := d.unpack(a); err != nil {
			return err
		}
		p.Attachments = append(p.Attachments, a.Attachment)
	}
	return nil
}

// finish makes the attachment what its members together say.
func (a *inlineAttachment) finish() error {
	if err := a.CheckBounds(); err != nil {
		return err
	}
	a.RevPos = a.revPos.n
	switch {
	case a.Name != "" && a.Name[0] == '_':
		return couch.Errorf(couch.BadRequest, "Attachment name '%s' starts with prohibited character '_'", a.Name)
	case a.badType:
		return a.invalid("content_type")
	case a.Stub:
		a.discard()
		a.Upload = ""
		return a.finishStub()
	case a.Follows:
		a.discard()
		a.Upload = ""
		return a.finishFollowing()
	case a.Upload != "" || a.badUpload:
		a.discard()
		if a.badUpload || a.hasData {
			return a.invalid("upload")
		}
		if a.length.bad() {
			return a.invalid("length")
		}
		a.Length, a.HasLength = int64(a.length.n), a.length.ok
		var err error
		a.Digest, a.HasDigest, err = a.wireDigest()
		return err
	case !a.hasData:
		return a.invalid("data")
	}
	a.Digest, a.Length, a.HasLength = a.data.Digest, a.data.Length, true
	if a.enc == "gzip" {
		return a.checkPacked()
	}
	return nil
}

// finishStub makes a stub. CouchDB compares its revpos with that of the stored
// attachment, whatever JSON value it is; of the digest it only undoes the base64.
func (a *inlineAttachment) finishStub() error {
	a.Follows = false
	if a.enc == "gzip" {
		a.Encoding = a.enc
	}
	a.Length, a.HasLength = int64(a.length.n), a.length.ok
	if a.revPos.given && a.revPos.n == 0 {
		a.RevPos = couch.NoRevPos
	}
	digest, err := couch.ParseDigest(a.digest)
	if err == nil {
		a.Digest = digest
		return nil
	}
	if text, ok := strings.CutPrefix(a.digest, "md5-"); ok {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return a.invalid("digest")
		}
	}
	return nil
}

// finishFollowing reads what the text says of content that comes in a part of its own.
func (a *inlineAttachment) finishFollowing() error {
	switch {
	case a.revPos.bad():
		return a.invalid("revpos")
	case a.length.bad():
		return a.invalid("length")
	case a.encodedLength.bad():
		return a.invalid("encoded_length")
	}
	a.Length, a.HasLength = int64(a.length.n), a.length.ok
	switch a.enc {
	case "gzip":
		a.Encoding, a.EncodedLength = a.enc, int64(a.encodedLength.n)
	case "", "identity":
	default:
		return a.invalid("encoding")
	}
	var err error
	a.Digest, a.HasDigest, err = a.wireDigest()
	return err
}

// wireDigest returns the digest that the text gives for the bytes as they come. One
// of another kind than MD5 is none.
func (a *inlineAttachment) wireDigest() (digest couch.Digest, given bool, err error) {
	if a.badDigest {
		return digest, false, a.invalid("digest")
	}
	if !strings.HasPrefix(a.digest, "md5-") {
		return digest, false, nil
	}
	if digest, err = couch.ParseDigest(a.digest); err != nil {
		return digest, false, a.invalid("digest")
	}
	return digest, true, nil
}

func (a *inlineAttachment) invalid(member string) error {
	return couch.Errorf(couch.BadRequest, "Invalid attachment %s for %s", member, a.Name)
}
