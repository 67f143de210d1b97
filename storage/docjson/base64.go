package docjson

import (
	"errors"
	"io"
)

// errBase64 says that content is not base64. The document's reader turns it into
// an error that names the attachment.
var errBase64 = errors.New("invalid base64")

// base64Reader decodes the JSON string at which a Reader stands behind the
// opening quote. As in Erlang's base64:decode, white space counts for nothing and
// padding is required.
type base64Reader struct {
	r    *Reader
	part []byte // what is left of the string's last piece
	done bool   // the closing quote has been read
	err  error  // io.EOF, errBase64, or an error of the Reader

	bits  uint32 // of an unfinished group
	n     int    // characters in bits
	pad   int    // padding characters read
	ended bool   // a padded group has been read, the last one

	out  [3]byte // a decoded group
	left []byte  // what of it has not been returned
}

// Read returns decoded bytes, io.EOF behind the closing quote, or errBase64.
func (b *base64Reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(b.left) == 0 {
			n += b.groups(p[n:])
			b.group()
		}
		c := copy(p[n:], b.left)
		b.left = b.left[c:]
		n += c
		if b.err != nil && len(b.left) == 0 {
			break
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, b.err
	}
	return n, nil
}

// groups decodes whole groups of the last piece into p, as far as they are plain.
func (b *base64Reader) groups(p []byte) int {
	if b.n > 0 || b.ended || b.err != nil {
		return 0
	}
	n, part := 0, b.part
	for len(part) >= 4 && len(p)-n >= 3 {
		v0, v1, v2, v3 := base64Value[part[0]], base64Value[part[1]], base64Value[part[2]], base64Value[part[3]]
		if (v0|v1|v2|v3)&0xc0 != 0 {
			break
		}
		p[n], p[n+1], p[n+2] = v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3
		n, part = n+3, part[4:]
	}
	b.part = part
	return n
}

// group decodes the next group into left, character by character, or sets err.
func (b *base64Reader) group() {
	for b.err == nil && len(b.left) == 0 {
		if len(b.part) == 0 && !b.more() {
			return
		}
		c := b.part[0]
		b.part = b.part[1:]
		switch v := base64Value[c]; {
		case v == base64Space:
		case c == '=' && b.n >= 2 && !b.ended:
			b.pad++
			b.flush()
		case v < 64 && b.pad == 0:
			b.bits = b.bits<<6 | uint32(v)
			b.n++
			b.flush()
		default:
			b.err = errBase64
		}
	}
}

// more reads the next piece of the string.
func (b *base64Reader) more() bool {
	part, done, err := b.r.stringPart()
	b.part = part
	switch {
	case err != nil:
		b.err = err
	case done:
		b.done = true
		if b.err = io.EOF; b.n > 0 {
			b.err = errBase64
		}
	}
	return b.err == nil
}

// flush decodes the group when it is whole.
func (b *base64Reader) flush() {
	if b.n+b.pad < 4 {
		return
	}
	bits := b.bits << (6 * b.pad)
	b.out = [3]byte{byte(bits >> 16), byte(bits >> 8), byte(bits)}
	b.left = b.out[:3-b.pad]
	b.ended = b.pad > 0
	b.bits, b.n = 0, 0
}

// drain reads to behind the closing quote. What has not been returned by Read is
// decoded too, so that err is io.EOF only for good base64. Its own error is the
// Reader's.
func (b *base64Reader) drain() error {
	var buf [512]byte
	for b.err == nil {
		_, _ = b.Read(buf[:])
	}
	for !b.done {
		_, done, err := b.r.stringPart()
		if err != nil {
			return err
		}
		b.done = done
	}
	return nil
}

const (
	base64Space = 0x40
	base64Bad   = 0x80
)

// base64Value maps a character to its six bits, base64Space or base64Bad.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = base64Bad
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	for _, c := range " \t\r\n" {
		t[c] = base64Space
	}
	return t
}()
