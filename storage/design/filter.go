package design

import (
	"context"
	"strings"
)

// Filter runs a filter function on documents, JSON texts, with the request object
// req, JSON, and says of each whether it passes. A function that throws fails the
// call.
//
// The error, here and of the other methods, is the context's or an *Error: NotFound
// where there is no such function, UnknownQueryLanguage, CompilationError, a limit's
// (OSProcessError, InternalError), or what the function threw.
func (d *Document) Filter(ctx context.Context, name string, docs [][]byte, req []byte) ([]bool, error) {
	path, err := d.function("filters", name)
	if err != nil {
		return nil, err
	}
	return d.filter(ctx, docs, func(s *session, part string) (string, error) {
		return s.call("filter", path, part, string(req))
	})
}

// FilterByView says of each document whether the view's map function emits
// anything for it.
func (d *Document) FilterByView(ctx context.Context, view string, docs [][]byte) ([]bool, error) {
	// A client asks for a view by its name alone: only that may be missing.
	if _, err := d.lookup("views", view); err != nil {
		return nil, err
	}
	path, err := d.function("views", view, "map")
	if err != nil {
		return nil, err
	}
	return d.filter(ctx, docs, func(s *session, part string) (string, error) {
		return s.call("view", path, part)
	})
}

// One call into the engine filters documents of this size and number: its time is
// that of one document.
const (
	filterText = 256 << 10
	filterDocs = 100
)

func (d *Document) filter(ctx context.Context, docs [][]byte, call func(*session, string) (string, error)) ([]bool, error) {
	pass := make([]bool, 0, len(docs))
	err := d.functions.session(ctx, d.engine.calls, nil, func(s *session) error {
		for len(docs) > 0 {
			n := min(fitting(docs, filterText), filterDocs)
			text, err := call(s, jsonArray(docs[:n], nil))
			if err != nil {
				return err
			}
			if len(text) != n || strings.Trim(text, "01") != "" {
				return errStop
			}
			for _, c := range text {
				pass = append(pass, c == '1')
			}
			docs = docs[n:]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return pass, nil
}
