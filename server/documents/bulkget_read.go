package documents

import (
	"settle/storage/couch"
	"settle/storage/docjson"
)

// bulkGetAsk is one entry of a _bulk_get request.
type bulkGetAsk struct {
	id      value        // as the answer repeats it
	rev     *couch.RevID // nil: every leaf
	since   []couch.RevID
	refusal *bulkGetRefusal // nil: the entry is in order
}

// value is a JSON value that an answer may repeat.
type value struct {
	text     string // of a string, decoded; else as in JSON
	isString bool
}

var null = value{text: "null"}

// appendTo appends the value's JSON.
func (v value) appendTo(dst []byte) []byte {
	if v.isString {
		return docjson.AppendString(dst, v.text)
	}
	return append(dst, v.text...)
}

// rev reads the value as a revision.
func (v value) rev() (couch.RevID, error) {
	if !v.isString {
		return couch.RevID{}, errInvalidRev
	}
	return couch.ParseRev(v.text)
}

var errNoDocsList = &couch.Error{Kind: couch.BadRequest, Reason: "Missing JSON list of 'docs'."}

// bulkGetReader reads the body of _bulk_get.
type bulkGetReader struct {
	json        *docjson.Reader
	left        budget
	partitioned bool // the database is
}

// read returns the entries. What is wrong with one is kept with it; the error is
// about the body.
func (b *bulkGetReader) read() (asks []bulkGetAsk, err error) {
	var refusal error = errNoDocsList
	for name, err := range b.json.Members() {
		if err != nil {
			return nil, err
		}
		if name != "docs" {
			continue
		}
		kind, err := b.json.Kind()
		if err != nil {
			return nil, err
		}
		asks, refusal = nil, errNoDocsList
		if kind == docjson.Array {
			refusal = nil
			if asks, err = b.entries(); err != nil {
				return nil, err
			}
		}
	}
	if err := b.json.End(); err != nil {
		return nil, err
	}
	return asks, refusal
}

func (b *bulkGetReader) entries() ([]bulkGetAsk, error) {
	var asks []bulkGetAsk
	for _, err := range b.json.Elements() {
		if err != nil {
			return nil, err
		}
		ask, err := b.entry()
		if err != nil {
			return nil, err
		}
		asks = append(asks, ask)
	}
	return asks, nil
}

// rawAsk is an entry's members as they stand in the text.
type rawAsk struct {
	id, rev, since value
	sinceList      []value
	hasID, hasRev  bool
	hasSince       bool
	isList         bool // since is sinceList
}

func (b *bulkGetReader) entry() (bulkGetAsk, error) {
	kind, err := b.json.Kind()
	if err == nil {
		err = b.left.keep(perAsk)
	}
	if err != nil {
		return bulkGetAsk{}, err
	}
	if kind != docjson.Object {
		refusal := &bulkGetRefusal{null, couch.Errorf(couch.BadRequest, "document must be a JSON object")}
		return bulkGetAsk{id: null, refusal: refusal}, b.json.Skip()
	}
	var raw rawAsk
	if err := b.readMembers(&raw); err != nil {
		return bulkGetAsk{}, err
	}
	return raw.judged(b.partitioned), nil
}

func (b *bulkGetReader) readMembers(raw *rawAsk) error {
	for name, err := range b.json.Members() {
		if err != nil {
			return err
		}
		switch name {
		case "id":
			raw.hasID = true
			raw.id, err = b.value()
		case "rev":
			raw.hasRev = true
			raw.rev, err = b.value()
		case "atts_since":
			err = b.readSince(raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bulkGetReader) readSince(raw *rawAsk) error {
	kind, err := b.json.Kind()
	if err != nil {
		return err
	}
	raw.hasSince, raw.isList, raw.sinceList = true, kind == docjson.Array, nil
	if !raw.isList {
		raw.since, err = b.value()
		return err
	}
	for _, err := range b.json.Elements() {
		if err != nil {
			return err
		}
		v, err := b.value()
		if err != nil {
			return err
		}
		raw.sinceList = append(raw.sinceList, v)
	}
	return nil
}

func (b *bulkGetReader) value() (value, error) {
	kind, err := b.json.Kind()
	if err != nil {
		return value{}, err
	}
	v := value{isString: kind == docjson.String}
	if v.isString {
		v.text, err = b.json.String()
	} else {
		var text []byte
		text, err = b.json.Value()
		v.text = string(text)
	}
	if err != nil {
		return value{}, err
	}
	return v, b.left.keep(perRev + len(v.text))
}

// judged makes the ask that the members stand for, in CouchDB's order of checks.
func (raw *rawAsk) judged(partitioned bool) bulkGetAsk {
	ask := bulkGetAsk{id: null}
	if !raw.hasID {
		ask.refusal = &bulkGetRefusal{null, couch.Errorf(couch.BadRequest, "document id missed")}
		return ask
	}
	ask.id = raw.id
	if err := raw.checkID(partitioned); err != nil {
		ask.refusal = &bulkGetRefusal{null, err}
		return ask
	}
	if raw.hasRev {
		rev, err := raw.rev.rev()
		if err != nil {
			ask.refusal = &bulkGetRefusal{raw.rev, err}
			return ask
		}
		ask.rev = &rev
	}
	ask.since, ask.refusal = raw.judgedSince()
	return ask
}

func (raw *rawAsk) checkID(partitioned bool) error {
	if !raw.id.isString {
		return couch.Errorf(couch.IllegalDocID, "Document id must be a string")
	}
	id := couch.DocID(raw.id.text)
	if err := id.Validate(); err != nil || !partitioned {
		return err
	}
	return id.ValidatePartitioned()
}

func (raw *rawAsk) judgedSince() ([]couch.RevID, *bulkGetRefusal) {
	if raw.hasSince && !raw.isList {
		return nil, &bulkGetRefusal{raw.since, couch.Errorf(couch.BadRequest, "att_since value must be array of revs.")}
	}
	var revs []couch.RevID
	for _, v := range raw.sinceList {
		rev, err := v.rev()
		if err != nil {
			return nil, &bulkGetRefusal{v, err}
		}
		revs = append(revs, rev)
	}
	return revs, nil
}
