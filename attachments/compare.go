package attachments

import (
	"bytes"
	"io"

	"settle/storage/crypt"
)

// compare reads content beside that of a stored blob. Where they are equal it returns
// the Pending that stands for the stored one, and nothing is written. Else it returns
// what is to be written, which begins with what was found equal, read from the store;
// release is called when that is done. The error is that of content.
func (b *Blobs) compare(in *intake, content io.Reader, like *Blob) (p *Pending, rest io.Reader, release func(), err error) {
	b.store.begin(b.id, like.id) // from here on the file stays
	release = func() { b.store.end(b.id, like.id) }
	stored, err := like.Reader(0, -1)
	if err != nil {
		return nil, content, release, nil
	}
	defer stored.Close()
	equal, differing, err := equalPart(stored, content)
	switch {
	case err != nil:
		return nil, nil, release, err
	case differing == nil && equal == like.Length():
		p := &Pending{blobs: b, id: like.id, like: like, record: like.record}
		p.record.tag = in.tag()
		return p, nil, func() {}, nil
	}
	start := &prefix{blob: like, left: equal}
	closing := release
	release = func() { start.close(); closing() }
	return nil, io.MultiReader(start, bytes.NewReader(differing), content), release, nil
}

// equalPart returns how many bytes two contents have in common, in whole chunks, and
// what incoming has behind them; nil where it ends there. What cannot be read of stored
// is different. The error is that of incoming.
func equalPart(stored, incoming io.Reader) (equal int64, differing []byte, err error) {
	these, those := getChunk(), getChunk()
	defer func() { these.put(); those.put() }()
	for {
		n, err := crypt.ReadChunk(incoming, these[:crypt.ChunkSize])
		if err != nil {
			return 0, nil, err
		}
		if n == 0 {
			return equal, nil, nil
		}
		_, err = io.ReadFull(stored, those[:n])
		if err != nil || !bytes.Equal(these[:n], those[:n]) {
			return equal, bytes.Clone(these[:n]), nil
		}
		equal += int64(n)
	}
}

// prefix reads the beginning of a blob, which it opens when it is read from.
type prefix struct {
	blob *Blob
	left int64
	r    io.ReadCloser
}

// Read reads up to the prefix's end.
func (p *prefix) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.r == nil {
		var err error
		if p.r, err = p.blob.Reader(0, p.left); err != nil {
			return 0, err
		}
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}

func (p *prefix) close() {
	if p.r != nil {
		p.r.Close()
	}
}
