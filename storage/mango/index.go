package mango

import (
	"cmp"
	"slices"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Index is an index that `_find` may read: one of a design document, or, without
// one, the documents in the order of their ids.
type Index struct {
	Design      couch.DocID
	Name        string
	Columns     Sort
	Partial     *Selector // nil: every document is in it
	Partitioned bool
	definition  []byte // of Partial, as it is stored
}

// AllDocs is the index that is always there.
func AllDocs() *Index {
	return &Index{Name: "_all_docs", Columns: Sort{Fields: []string{"_id"}}}
}

// IsAllDocs reports whether the index is that of all documents.
func (x *Index) IsAllDocs() bool { return x.Design == "" }

// Compare orders indexes by design document and name; all documents come first.
func (x *Index) Compare(y *Index) int {
	return cmp.Or(cmp.Compare(x.Design, y.Design), cmp.Compare(x.Name, y.Name))
}

// Indexes returns the indexes of a design document with the language "query", in the
// order in which they stand there, and none of any other. What is no index in it is
// passed over. partitioned says what an index is that does not say it itself.
func Indexes(id couch.DocID, body []byte, partitioned bool) []*Index {
	all, err := membersOf(body)
	if language, _ := stringOf(get(all, "language")); err != nil || language != queryLanguage {
		return nil
	}
	switch jsonscan.KindOf(jsonscan.Member(get(all, "options"), "partitioned")) {
	case jsonscan.True:
		partitioned = true
	case jsonscan.False:
		partitioned = false
	}
	views, err := membersOf(get(all, "views"))
	if err != nil {
		return nil
	}
	var indexes []*Index
	for _, view := range views {
		if x := indexOf(view); x != nil {
			x.Design, x.Partitioned = id, partitioned
			indexes = append(indexes, x)
		}
	}
	return indexes
}

// queryLanguage is the language of design documents that hold indexes.
const queryLanguage = "query"

// indexOf reads a view that is an index; nil where it is none. As in CouchDB it must have
// options, whatever they say.
func indexOf(view member) *Index {
	fields := jsonscan.Member(jsonscan.Member(view.value, "map"), "fields")
	if jsonscan.KindOf(fields) != jsonscan.Object || jsonscan.KindOf(jsonscan.Member(view.value, "options")) != jsonscan.Object {
		return nil
	}
	columns, err := membersOf(fields)
	if err != nil {
		return nil
	}
	x := &Index{Name: view.name}
	for _, column := range columns {
		direction, _ := stringOf(column.value)
		x.Columns.Fields = append(x.Columns.Fields, column.name)
		x.Columns.Descending = direction == "desc"
	}
	partial := jsonscan.Value(jsonscan.Member(jsonscan.Member(view.value, "map"), "partial_filter_selector"))
	if partial == nil || isEmpty(partial) {
		return x
	}
	if x.Partial, err = Parse(partial); err != nil {
		return nil
	}
	x.definition = slices.Clone(partial)
	return x
}

// AppendKey appends the key of a document in the index, a JSON array of its columns,
// and reports whether the document is in it: it has all columns, and the partial
// selector matches. doc is the JSON of a document with its special members.
func (x *Index) AppendKey(dst, doc []byte) (_ []byte, ok bool) {
	if x.Partial != nil && !x.Partial.Match(doc) {
		return dst, false
	}
	key := append(dst, '[')
	for i, column := range x.Columns.Fields {
		path, err := parsePath(column)
		if err != nil {
			return dst, false
		}
		value, _ := lookUp(doc, path)
		if value == nil {
			return dst, false
		}
		if i > 0 {
			key = append(key, ',')
		}
		key = append(key, jsonscan.Value(value)...)
	}
	return append(key, ']'), true
}

// AppendCovered appends what a row of the index holds of its document, as a document:
// the id and the columns. key is the row's key.
func (x *Index) AppendCovered(dst []byte, id couch.DocID, key []byte) []byte {
	var root shown
	root.set([]string{"_id"}, appendString(nil, string(id)))
	i := 0
	for value := range jsonscan.Elements(key) {
		if path, err := parsePath(x.Columns.Fields[i]); err == nil {
			root.set(path, jsonscan.Value(value))
		}
		if i++; i == len(x.Columns.Fields) {
			break
		}
	}
	return root.append(dst)
}

// AppendJSON appends the index as `_index` lists it.
func (x *Index) AppendJSON(dst []byte) []byte {
	if x.IsAllDocs() {
		return append(dst, `{"ddoc":null,"name":"_all_docs","type":"special","def":{"fields":[{"_id":"asc"}]}}`...)
	}
	dst = appendString(append(dst, `{"ddoc":`...), string(x.Design))
	dst = appendString(append(dst, `,"name":`...), x.Name)
	dst = append(dst, `,"type":"json","partitioned":`...)
	dst = appendBool(dst, x.Partitioned)
	dst = x.Columns.appendList(append(dst, `,"def":{"fields":`...))
	if x.definition != nil {
		dst = append(append(dst, `,"partial_filter_selector":`...), x.definition...)
	}
	return append(dst, "}}"...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}
