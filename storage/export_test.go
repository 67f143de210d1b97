package storage

import "settle/storage/couch"

// WaitForBackground returns when no background work is left.
func (s *Store) WaitForBackground() { s.background.Wait() }

// DecodeRow decodes a row of each kind, for fuzzing.
func DecodeRow(kind byte, b []byte) (encoded []byte, err error) {
	switch kind % 5 {
	case 0:
		m, err := decodeMeta(b)
		if err != nil {
			return nil, err
		}
		return m.encode(), nil
	case 1:
		row, err := decodeDocRow(b)
		if err != nil {
			return nil, err
		}
		return row.encode()
	case 2:
		row, err := decodeSeqRow(b)
		if err != nil {
			return nil, err
		}
		return row.encode(), nil
	case 3:
		rec, err := decodeDBRecord(b)
		if err != nil {
			return nil, err
		}
		return rec.encode(), nil
	default:
		atts, text, err := decodeBody(b)
		if err != nil {
			return nil, err
		}
		return encodeBody(&couch.Document{Attachments: atts, Body: couch.Body{Text: text}}), nil
	}
}

// CutEscaped and AppendEscaped are the key encoding of ids.
var (
	CutEscaped    = cutEscaped
	AppendEscaped = appendEscaped
)
