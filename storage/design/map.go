package design

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"settle/storage/couch"
)

// Mapper runs the map functions of one index, in runtimes of its own: what they leave
// in their globals another Mapper of the same functions does not find.
type Mapper struct {
	functions functions
	count     int
}

// Row is what a map function emitted: two JSON texts.
type Row struct{ Key, Value string }

// Mapper returns the map functions of a scope with the given sources. lib is the value
// of `views.lib`, JSON, in which they may `require` modules; nil for none. Nothing is
// compiled yet: a call of Map gives the error of a source that does not compile. The
// caller closes it.
func (e *Engine) Mapper(scope couch.Incarnation, lib json.RawMessage, sources []string) *Mapper {
	if lib == nil {
		lib = json.RawMessage("null")
	}
	text, err := json.Marshal(append([]string{}, sources...))
	if err != nil {
		text = []byte("[]") // no error is possible: they are strings
	}
	return &Mapper{functions: e.functions(scope, "maps", string(lib), string(text)).alone(), count: len(sources)}
}

// Close frees the runtimes that are kept. It comes behind the last call of Map.
func (m *Mapper) Close() { m.functions.close() }

// One call into the engine takes documents of this size, and this many
// milliseconds unless a document alone takes longer. Map returns when it has rows of
// this size.
const (
	mapText   = 1 << 20
	mapSlice  = 100
	mapOutput = 4 << 20
)

// Map runs all functions on documents, JSON texts, from the first on, one at least,
// until it has rows enough: it returns those of so many documents. The rows come by
// document and function, in the order emitted; they share memory. A function that
// throws emits nothing for that document, and none does for one of which they emit
// more than Options.Output; both are logged. Concurrent calls run in parallel, each in
// a runtime of its own.
//
// The error is the context's or an *Error: CompilationError or NotFound (an empty
// source), OSProcessError or InternalError at a limit, or what a function raised as
// fatal. Then no rows are returned.
func (m *Mapper) Map(ctx context.Context, docs [][]byte) ([][][]Row, error) {
	rows := make([][][]Row, 0, len(docs))
	// The engine asks for the id of a document that functions fail on.
	host := func(_, at string) (string, error) {
		n, err := strconv.Atoi(at)
		if err != nil || n < 0 || n >= len(docs) {
			return "", errStop
		}
		return string(appendObject(nil, docs[n], []string{"_id"})), nil
	}
	err := m.functions.session(ctx, m.functions.engine.calls, host, func(s *session) error {
		for size := 0; len(docs) > 0 && size < mapOutput; {
			n := fitting(docs, mapText)
			part, err := m.mapPart(s, docs[:n], &size)
			if err != nil {
				return err
			}
			rows = append(rows, part...)
			docs = docs[len(part):]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// mapPart maps documents, one at least, until size, which it adds to, is enough.
func (m *Mapper) mapPart(s *session, docs [][]byte, size *int) ([][][]Row, error) {
	var members []string // nil: all
	if s.machine.loaded != "" {
		if err := json.Unmarshal([]byte(s.machine.loaded), &members); err != nil {
			return nil, errStop
		}
	}
	if _, err := s.call("documents", jsonArray(docs, members)); err != nil {
		return nil, err
	}
	room := strconv.Itoa(s.engine.options.Output)
	rows := make([][][]Row, 0, len(docs))
	for len(rows) < len(docs) && (len(rows) == 0 || *size < mapOutput) {
		text, err := s.call("map", mapSlice, room)
		if err != nil {
			return nil, err
		}
		before := len(rows)
		*size += len(text)
		rows = m.split(rows, text)
		if m.count > 0 && len(rows) == before {
			return nil, errStop
		}
		if m.count == 0 {
			rows = append(rows, make([][][]Row, len(docs)-len(rows))...)
		}
	}
	return rows, nil
}

// split appends the rows of the documents in text, in the form that views.js gives.
func (m *Mapper) split(rows [][][]Row, text string) [][][]Row {
	for text != "" && m.count > 0 {
		doc := make([][]Row, m.count)
		for i := range doc {
			var part string
			part, text, _ = strings.Cut(text, "\x1e")
			doc[i] = splitRows(part)
		}
		rows = append(rows, doc)
	}
	return rows
}

// splitRows cuts an array of keys and values.
func splitRows(text string) []Row {
	if text == "" {
		return nil
	}
	var rows []Row
	for text = text[1:]; ; {
		var row Row
		row.Key, text = cutValue(text)
		if row.Value, text = cutValue(text); row.Value == "" {
			return rows
		}
		rows = append(rows, row)
	}
}

// cutValue cuts off a value, and what divides it from the next one or ends the array.
func cutValue(text string) (value, rest string) {
	n := valueEnd(text)
	return text[:n], text[min(n+1, len(text)):]
}

// fitting returns how many of the texts, one at least, are of the given size
// together.
func fitting(texts [][]byte, size int) int {
	n, total := 0, 0
	for n < len(texts) && (n == 0 || total+len(texts[n]) <= size) {
		total += len(texts[n])
		n++
	}
	return n
}

// jsonArray returns an array of objects, with the named members only; with all where
// members is nil.
func jsonArray(objects [][]byte, members []string) string {
	size := len(objects) + 2
	for _, object := range objects {
		size += len(object)
	}
	text := append(make([]byte, 0, size), '[')
	for i, object := range objects {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendObject(text, object, members)
	}
	return string(append(text, ']'))
}
