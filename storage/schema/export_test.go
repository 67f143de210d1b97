package schema

import (
	"errors"
	"io"

	"settle/storage/couch"
	"settle/storage/kv"
)

// DecodeRow decodes a row of each kind, and encodes it again.
func DecodeRow(kind byte, b []byte) (encoded []byte, err error) {
	switch kind % 11 {
	case 0:
		return encode(DecodeMeta(b))(func(m *Meta) ([]byte, error) { return m.Encode(), nil })
	case 1:
		return encode(DecodeDocRow(b))((*DocRow).Encode)
	case 2:
		return encode(DecodeSeqRow(b))(func(r *SeqRow) ([]byte, error) { return r.Encode(), nil })
	case 3:
		return encode(DecodeDBRecord(b))(func(r DBRecord) ([]byte, error) { return r.Encode(), nil })
	case 6:
		doc, pending, err := decodeSpooled("id", b)
		for _, at := range pending {
			doc.Attachments[at].Pending = PendingBlob{}
		}
		return encode(doc, err)(func(d *couch.Document) ([]byte, error) { return encodeSpooled(d), nil })
	case 5:
		return encode(DecodePurgeRow(b))(func(r *PurgeRow) ([]byte, error) { return r.Encode(), nil })
	case 8:
		return encode(DecodeIndexRow(b))(func(p kv.Partition) ([]byte, error) { return EncodeIndexRow(p), nil })
	case 10:
		return encode(DecodeTimeRow(b))(func(seq couch.Seq) ([]byte, error) { return EncodeTimeRow(seq), nil })
	case 9:
		return encode(DecodeUnready(b))(func(u Unready) ([]byte, error) { return u.Encode(), nil })
	case 4:
		if b == nil {
			b = []byte{}
		}
		return encode(DecodeSeqCount(b))(func(n int64) ([]byte, error) { return EncodeSeqCount(n), nil })
	default:
		return encode(decodeBody(b))(func(body Body) ([]byte, error) {
			return encodeBody(&couch.Document{Attachments: body.Attachments, Body: couch.Body{Text: body.Text}}), nil
		})
	}
}

func encode[R any](row R, err error) func(func(R) ([]byte, error)) ([]byte, error) {
	return func(encode func(R) ([]byte, error)) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return encode(row)
	}
}

// CutEscaped and AppendEscaped are the key encoding of ids.
var (
	CutEscaped    = cutEscaped
	AppendEscaped = appendEscaped
)

// PendingBlob is a new content that nobody wrote.
type PendingBlob struct{}

func (PendingBlob) BlobID() couch.BlobID         { return couch.BlobID{} }
func (PendingBlob) Discard()                     {}
func (PendingBlob) Open() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }
