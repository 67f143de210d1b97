package design

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"settle/storage/couch"
)

// Document is a design document whose functions can be run.
type Document struct {
	engine    *Engine
	members   object
	language  string
	functions functions
}

// Document reads a design document of a scope, JSON, as clients see it. The error is
// an *Error, InvalidDesignDoc, where it is no JSON object or its language no string.
// Nothing is compiled yet.
func (e *Engine) Document(scope couch.Incarnation, text []byte) (*Document, error) {
	members, err := parseObject(text)
	if err != nil {
		return nil, newError(InvalidDesignDoc, "The design document is not a JSON object.")
	}
	d := &Document{engine: e, members: members, language: "javascript"}
	if language, ok := members.get("language"); ok {
		if json.Unmarshal(language, &d.language) != nil || isNull(language) {
			return nil, newError(InvalidDesignDoc, "`language` field must have string type")
		}
	}
	d.functions = e.functions(scope, "design", string(text))
	return d, nil
}

// Language returns the design document's language, "javascript" where it names none.
func (d *Document) Language() string { return d.language }

// javaScript returns an *Error, UnknownQueryLanguage, for another language.
func (d *Document) javaScript() error {
	if strings.EqualFold(d.language, "javascript") {
		return nil
	}
	return newError(UnknownQueryLanguage, d.language)
}

// lookup returns the member at a path. The error is an *Error, NotFound, as
// CouchDB's for a missing function.
func (d *Document) lookup(path ...string) (json.RawMessage, error) {
	members := d.members
	for i, name := range path {
		value, ok := members.get(name)
		if !ok {
			return nil, newError(NotFound, "missing json key: "+name)
		}
		if i == len(path)-1 {
			return value, nil
		}
		var err error
		if members, err = parseObject(value); err != nil {
			return nil, newError(NotFound, "missing json key: "+path[i+1])
		}
	}
	return nil, newError(NotFound, "missing json key")
}

// Has checks that there is a function of a kind, such as "shows". The error is an
// *Error, NotFound.
func (d *Document) Has(kind, name string) error {
	_, err := d.lookup(kind, name)
	return err
}

// function checks that there is a function at a path, in JavaScript, and returns
// the path as JSON.
func (d *Document) function(path ...string) (string, error) {
	if err := d.javaScript(); err != nil {
		return "", err
	}
	if _, err := d.lookup(path...); err != nil {
		return "", err
	}
	text, err := json.Marshal(path)
	return string(text), err
}

// View is a view of a design document, as its source has it.
type View struct {
	Name, Map, Reduce string // Reduce is "" where there is none
}

// Views returns the views whose map and reduce are strings, in the design
// document's order, and `views.lib`, JSON, nil where there is none.
func (d *Document) Views() (views []View, lib json.RawMessage) {
	text, ok := d.members.get("views")
	if !ok {
		return nil, nil
	}
	members, err := parseObject(text)
	if err != nil {
		return nil, nil
	}
	for _, m := range members {
		var v struct{ Map, Reduce *string }
		if m.name == "lib" {
			lib = m.value
		} else if json.Unmarshal(m.value, &v) == nil && v.Map != nil {
			view := View{Name: m.name, Map: *v.Map}
			if v.Reduce != nil {
				view.Reduce = *v.Reduce
			}
			views = append(views, view)
		}
	}
	return views, lib
}

// CheckViews compiles the views' functions, as CouchDB does before it stores a
// design document, and returns the first *Error, CompilationError or NotFound (an
// empty source). Functions in other languages, and built-in reduce functions, which
// begin with "_", are not compiled; nor are modules, or functions of other kinds.
func (d *Document) CheckViews(ctx context.Context) error {
	if d.javaScript() != nil {
		return nil
	}
	views, lib := d.Views()
	for _, v := range views {
		if err := d.checkMap(ctx, lib, v.Map); err != nil {
			return inView(err, "map", v.Name)
		}
		if v.Reduce == "" || v.Reduce[0] == '_' {
			continue
		}
		if err := d.engine.Reducer(d.functions.scope, "", v.Reduce).check(ctx); err != nil {
			return inView(err, "reduce", v.Name)
		}
	}
	return nil
}

func (d *Document) checkMap(ctx context.Context, lib json.RawMessage, source string) error {
	m := d.engine.Mapper(d.functions.scope, lib, []string{source})
	defer m.Close()
	_, err := m.Map(ctx, nil)
	return err
}

// check compiles the function.
func (r *Reducer) check(ctx context.Context) error {
	return r.functions.session(ctx, r.functions.engine.calls, nil, func(*session) error { return nil })
}

func inView(err error, kind, view string) error {
	e, ok := err.(*Error)
	if !ok || e.Name != CompilationError {
		return err
	}
	return newError(e.Name, fmt.Sprintf("Compilation of the %s function in the '%s' view failed: %s", kind, view, e.Text()))
}

// object is a JSON object's members in their order.
type object []struct {
	name  string
	value json.RawMessage
}

func (o object) get(name string) (json.RawMessage, bool) {
	for i := len(o) - 1; i >= 0; i-- { // of members with one name the last counts
		if o[i].name == name {
			return o[i].value, true
		}
	}
	return nil, false
}

func parseObject(text []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil {
		return nil, err
	} else if token != json.Delim('{') {
		return nil, errNoObject
	}
	var members object
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members = append(members, struct {
			name  string
			value json.RawMessage
		}{name, value})
	}
	_, err := decoder.Token()
	return members, err
}

var errNoObject = errors.New("not a JSON object")

func isNull(text json.RawMessage) bool { return string(bytes.TrimSpace(text)) == "null" }
