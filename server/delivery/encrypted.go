package delivery

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"

	"filippo.io/age"
)

// headerBytes is how far a content is looked into for whether it is encrypted. A
// longer header is none.
const headerBytes = 64 << 10

// isEncrypted reports, by its first bytes, whether a content is encrypted: whether it
// begins with the header of an age file that names a recipient, or with an OpenPGP
// message for a public key, binary or in armor. Nothing is taken from r; the error is
// its.
func isEncrypted(r *bufio.Reader) (bool, error) {
	head, err := r.Peek(headerBytes)
	if err != nil && err != io.EOF {
		return false, err
	}
	return isAge(head) || isOpenPGP(head) || isOpenPGP(dearmored(head)), nil
}

// isAge reports whether head begins with the header of an age file
// (https://c2sp.org/age).
func isAge(head []byte) bool {
	_, err := age.ExtractHeader(bytes.NewReader(head))
	return err == nil
}

// The OpenPGP packets that an encrypted message is made of (RFC 9580, 5).
const (
	packetPKESK  = 1 // a session key, for a public key
	packetSKESK  = 3 // a session key, for a passphrase
	packetSED    = 9
	packetMarker = 10
	packetSEIPD  = 18
	packetAEAD   = 20 // of GnuPG
)

// isOpenPGP reports whether head begins with an encrypted message of OpenPGP (RFC
// 9580, 10.3) with a session key for a public key.
func isOpenPGP(head []byte) bool {
	keys := 0
	for {
		p, rest := cutPacket(head)
		switch {
		case p.tag == packetPKESK && isPKESK(p.body):
			keys++
		case p.tag == packetSKESK, p.tag == packetMarker && string(p.body) == "PGP":
		case p.tag == packetSED, p.tag == packetSEIPD, p.tag == packetAEAD:
			return keys > 0
		default:
			return false
		}
		head = rest
	}
}

// isPKESK reports whether a packet holds a session key: of version 3, for a key id
// of eight bytes, or of version 6, for a fingerprint (RFC 9580, 5.1).
func isPKESK(body []byte) bool {
	const leastKey = 2 // what an algorithm and the shortest of its values take
	switch {
	case len(body) == 0:
		return false
	case body[0] == 3:
		return len(body) > 1+8+leastKey
	case body[0] == 6 && len(body) > 1:
		return len(body) > 2+int(body[1])+leastKey
	}
	return false
}

// packet is one packet of OpenPGP. A tag of 0, which is reserved, says that there is
// none.
type packet struct {
	tag  byte
	body []byte
}

// cutPacket takes a packet off b (RFC 9580, 4.2). The packets that hold encrypted
// data need not be whole, and have no body here; others are whole or none.
func cutPacket(b []byte) (p packet, rest []byte) {
	if len(b) < 2 || b[0]&0x80 == 0 {
		return packet{}, nil
	}
	isNew := b[0]&0x40 != 0
	tag := b[0] >> 2 & 0x0f
	if isNew {
		tag = b[0] & 0x3f
	}
	switch tag {
	case packetSED, packetSEIPD, packetAEAD:
		return packet{tag: tag}, nil
	}
	length, size := oldLength(b)
	if isNew {
		length, size = newLength(b)
	}
	if size == 0 || int64(length) > int64(len(b)-size) {
		return packet{}, nil
	}
	b = b[size:]
	return packet{tag, b[:length]}, b[length:]
}

// oldLength reads the length of a packet of the old format; size is where the body
// begins, 0 where there is no length.
func oldLength(b []byte) (length uint32, size int) {
	switch b[0] & 3 {
	case 0:
		return uint32(b[1]), 2
	case 1:
		if len(b) >= 3 {
			return uint32(binary.BigEndian.Uint16(b[1:])), 3
		}
	case 2:
		if len(b) >= 5 {
			return binary.BigEndian.Uint32(b[1:]), 5
		}
	}
	return 0, 0
}

// newLength is oldLength for the new format.
func newLength(b []byte) (length uint32, size int) {
	switch first := uint32(b[1]); {
	case first < 192:
		return first, 2
	case first < 224 && len(b) >= 3:
		return (first-192)<<8 + uint32(b[2]) + 192, 3
	case first == 255 && len(b) >= 6:
		return binary.BigEndian.Uint32(b[2:]), 6
	}
	return 0, 0
}

const armorLine = "-----BEGIN PGP MESSAGE-----"

// dearmored returns what the armor at the beginning of head holds, as far as head
// reaches; nil where there is none (RFC 9580, 6.2).
func dearmored(head []byte) []byte {
	text, ok := bytes.CutPrefix(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")), []byte(armorLine))
	if !ok {
		return nil
	}
	_, text, ok = bytes.Cut(text, []byte("\n\n")) // the armor's headers end
	if !ok {
		return nil
	}
	if end := bytes.IndexAny(text, "=-"); end >= 0 { // of the data
		text = text[:end]
	}
	text = bytes.ReplaceAll(text, []byte("\n"), nil)
	text = text[:len(text)&^3]
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return nil
	}
	return out[:n]
}
