package viewrow

import (
	"strings"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/schema"
	"settle/storage/view/rawkey"
	"settle/storage/view/redtree"
)

// Space makes the keys of one view's rows.
type Space struct {
	Raw         bool // the collation is raw
	Partitioned bool // rows are placed by their document's partition
}

// AppendKey appends the part of a row's key that is of the emitted key. It fails where
// that is no JSON, or nested too deeply.
func (s Space) AppendKey(dst, json []byte) ([]byte, error) {
	if s.Raw {
		return rawkey.Append(dst, json)
	}
	return collate.AppendKey(dst, json)
}

// AppendStem appends what the keys of a document's rows with one emitted key begin with.
// Errors are those of AppendKey.
func (s Space) AppendStem(dst []byte, id couch.DocID, json []byte) ([]byte, error) {
	partition, _, _ := strings.Cut(string(id), ":")
	return s.appendPrefix(dst, partition, json)
}

func (s Space) appendPrefix(dst []byte, partition string, json []byte) ([]byte, error) {
	if s.Partitioned {
		dst = AppendEscaped(dst, partition)
	}
	return s.AppendKey(dst, json)
}

// Prefix returns what the keys of all rows with one emitted key begin with. Errors are
// those of AppendKey.
func (s Space) Prefix(partition string, json []byte) ([]byte, error) {
	return s.appendPrefix(nil, partition, json)
}

// All returns the range of a query without keys: everything, or a partition.
func (s Space) All(partition string) redtree.Span {
	if !s.Partitioned {
		return redtree.Span{}
	}
	prefix := AppendEscaped(nil, partition)
	return redtree.Span{Lo: prefix, Hi: schema.PrefixEnd(prefix)}
}

// Of returns the range of all rows with an emitted key. Errors are those of AppendKey.
func (s Space) Of(partition string, json []byte) (redtree.Span, error) {
	prefix, err := s.Prefix(partition, json)
	return redtree.Span{Lo: prefix, Hi: schema.PrefixEnd(prefix)}, err
}
