package deferred

import (
	"compress/gzip"
	"crypto/md5"
	"errors"
	"hash"
	"io"

	"settle/storage/couch"
)

// errWrong says that what the origin gave is not the promised content, or not all of it.
var errWrong = &couch.Error{Kind: couch.Away, Reason: "The content came damaged, or cut short, from the place that has it."}

// verified reads a content that comes from its origin, unpacked. It gives an error in
// place of io.EOF where that is not the promised one, and the errors of the origin as
// those.
type verified struct {
	wire    *summed
	content io.Reader // of wire, unpacked
	in      couch.Incoming
	length  int64 // that the content must have
	n       int64
}

// newVerified returns a reader of what Origin.Fetch gave as in; wire reads its Body.
func newVerified(wire io.Reader, in couch.Incoming, length int64) *verified {
	v := &verified{wire: &summed{r: wire, sum: md5.New()}, in: in, length: length}
	if !in.Gzip {
		v.content = v.wire
	}
	return v
}

// Read reads on.
func (v *verified) Read(p []byte) (n int, err error) {
	if v.content == nil {
		if v.content, err = gzip.NewReader(v.wire); err != nil {
			return 0, asAway(err)
		}
	}
	n, err = v.content.Read(p)
	v.n += int64(n)
	switch {
	case v.n > v.length:
		return 0, errWrong
	case err == io.EOF:
		return n, v.judge()
	case err != nil:
		return n, asAway(err)
	}
	return n, nil
}

// judge returns io.EOF where all that came is right.
func (v *verified) judge() error {
	if _, err := io.Copy(io.Discard, v.wire); err != nil {
		return asAway(err)
	}
	if v.n != v.length || !v.in.Checked && couch.Digest(v.wire.sum.Sum(nil)) != v.in.Digest {
		return errWrong
	}
	return io.EOF
}

// asAway makes an Away of what is no error of the domain.
func asAway(err error) error {
	if known, ok := errors.AsType[*couch.Error](err); ok {
		return known
	}
	return &couch.Error{Kind: couch.Away, Reason: errWrong.Reason, Err: err}
}

// summed takes the MD5 of what is read.
type summed struct {
	r   io.Reader
	sum hash.Hash
}

// Read reads on.
func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}
