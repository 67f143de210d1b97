package attachments

import (
	"bytes"
	"io"

	"settle/storage/crypt"
)

// comparison compares a content with stored blobs that it may be equal to, so that what
// is there already is not written again. The files of those stay until release.
type comparison struct {
	all     []*Blob
	alike   []compared // those that have the first bytes of the content, as many as equal
	equal   int64
	differs bool    // none of them goes on like the content
	behind  []byte  // where it differs: its chunk behind equal
	prefix  *prefix // nil: rest has not been called
}

// compared is one that was opened.
type compared struct {
	blob *Blob
	r    io.ReadCloser
}

// compare reads content beside those of stored blobs, to its end, or to where it differs
// from all. The caller calls release when it has done with the comparison, also after an
// error, which is that of content.
func compare(content io.Reader, like []*Blob) (*comparison, error) {
	c := new(comparison)
	for _, blob := range like {
		if !blob.store.join(blob.part, blob.id) {
			continue
		}
		c.all = append(c.all, blob)
		if r, err := blob.Reader(0, -1); err == nil {
			c.alike = append(c.alike, compared{blob, r})
		}
	}
	return c, c.run(content)
}

// run reads content. What cannot be read of a stored one is different.
func (c *comparison) run(content io.Reader) error {
	opened := c.alike
	defer func() {
		for _, o := range opened {
			o.r.Close()
		}
	}()
	chunk, stored := getChunk(), getChunk()
	defer func() { chunk.put(); stored.put() }()
	for len(c.alike) > 0 {
		n, err := crypt.ReadChunk(content, chunk[:crypt.ChunkSize])
		if n == 0 || err != nil {
			return err
		}
		still := c.goingOn(chunk[:n], stored[:n])
		if len(still) == 0 {
			c.differs, c.behind = true, bytes.Clone(chunk[:n])
			return nil
		}
		c.alike = still
		c.equal += int64(n)
	}
	return nil
}

// goingOn returns those that go on with chunk; stored has room for it.
func (c *comparison) goingOn(chunk, stored []byte) (still []compared) {
	for _, o := range c.alike {
		if _, err := io.ReadFull(o.r, stored); err == nil && bytes.Equal(stored, chunk) {
			still = append(still, o)
		}
	}
	return still
}

// same returns the blob that has the content; nil: there is none.
func (c *comparison) same() *Blob {
	for _, o := range c.alike {
		if !c.differs && o.blob.Length() == c.equal {
			return o.blob
		}
	}
	return nil
}

// rest returns the whole content: what was compared, and what was not.
func (c *comparison) rest(content io.Reader) io.Reader {
	if len(c.alike) == 0 {
		return content
	}
	c.prefix = &prefix{blob: c.alike[0].blob, left: c.equal}
	return io.MultiReader(c.prefix, bytes.NewReader(c.behind), content)
}

func (c *comparison) release() {
	if c.prefix != nil {
		c.prefix.close()
	}
	for _, blob := range c.all {
		blob.store.end(blob.part, blob.id)
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
