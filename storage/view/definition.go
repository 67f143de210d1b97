package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"settle/storage/collate"
	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Languages of a definition's map functions.
const (
	JavaScript = "javascript"
	Mango      = "query" // the maps are JSON: fields, and a filter
)

// Definition is what an index is made by.
type Definition struct {
	Language      string
	Lib           []byte // `views.lib`, JSON; nil: none
	LocalSeq      bool   // documents have `_local_seq`
	IncludeDesign bool   // design documents are mapped too
	Partitioned   bool   // rows are placed by their document's partition
	Views         []ViewDefinition
}

// ViewDefinition is one map function, and the reduce functions over its rows.
type ViewDefinition struct {
	Map     string
	Raw     bool // the collation is raw
	Reduces []string
}

// Ref is a view of a definition, as a design document names it.
type Ref struct {
	View   int // of Definition.Views
	Reduce int // of its Reduces; negative: none
}

// formatVersion changes when indexes have to be made anew.
const formatVersion = 3

// Signature names the definition: 32 hexadecimal digits, the same for the same
// functions and options.
func (d *Definition) Signature() string {
	h := sha256.New()
	add := func(parts ...string) {
		for _, p := range parts {
			h.Write(binary.AppendUvarint(nil, uint64(len(p))))
			h.Write([]byte(p))
		}
	}
	flags := []byte{formatVersion, collate.Version, flag(d.LocalSeq), flag(d.IncludeDesign), flag(d.Partitioned)}
	add(string(flags), d.Language, string(d.Lib))
	for _, v := range d.Views {
		add(v.Map, string([]byte{flag(v.Raw), byte(len(v.Reduces))}))
		add(v.Reduces...)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// ParseDesign reads the views of a design document, JSON as docjson prints it, and
// where each is in the definition. In a partitioned database an index has partitions
// unless the document's options say otherwise. Views that have the same map function
// become one. What is not as it should be is left out: a write of the document has
// refused it. It keeps no part of text.
func ParseDesign(text []byte, partitioned bool) (*Definition, map[string]Ref) {
	d := &Definition{Language: JavaScript, Partitioned: partitioned}
	if language, ok := stringAt(text, "language"); ok {
		d.Language = language
	}
	options := jsonscan.Member(text, "options")
	d.LocalSeq = isTrue(options, "local_seq")
	d.IncludeDesign = isTrue(options, "include_design")
	if partitioned && jsonscan.KindOf(jsonscan.Member(options, "partitioned")) == jsonscan.False {
		d.Partitioned = false
	}
	refs := make(map[string]Ref)
	for raw, value := range jsonscan.Members(jsonscan.Member(text, "views")) {
		name, _ := jsonscan.Unescape(nil, raw)
		if v, reduce, ok := parseView(value); ok {
			refs[string(name)] = d.add(v, reduce)
		} else if string(name) == "lib" {
			d.Lib = compact(value)
		}
	}
	return d.normal(refs), refs
}

func isTrue(object []byte, name string) bool {
	return jsonscan.KindOf(jsonscan.Member(object, name)) == jsonscan.True
}

func stringAt(object []byte, name string) (string, bool) {
	value := jsonscan.Value(jsonscan.Member(object, name))
	var s string
	if jsonscan.KindOf(value) != jsonscan.String || json.Unmarshal(value, &s) != nil {
		return "", false
	}
	return s, true
}

func compact(value []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, jsonscan.Value(value)) != nil {
		return nil
	}
	return b.Bytes()
}

func parseView(value []byte) (v ViewDefinition, reduce string, ok bool) {
	m := jsonscan.Member(value, "map")
	switch jsonscan.KindOf(m) {
	case jsonscan.String:
		v.Map, _ = stringAt(value, "map")
	case jsonscan.Object:
		v.Map = string(compact(m))
	default:
		return v, "", false
	}
	collation, _ := stringAt(jsonscan.Member(value, "options"), "collation")
	v.Raw = collation == "raw"
	reduce, _ = stringAt(value, "reduce")
	return v, reduce, true
}

// add adds a view, or finds the one with the same map function.
func (d *Definition) add(v ViewDefinition, reduce string) Ref {
	ref := Ref{Reduce: -1}
	ref.View = slices.IndexFunc(d.Views, func(w ViewDefinition) bool { return w.Map == v.Map && w.Raw == v.Raw })
	if ref.View < 0 {
		ref.View = len(d.Views)
		d.Views = append(d.Views, v)
	}
	if reduce == "" {
		return ref
	}
	reduces := &d.Views[ref.View].Reduces
	if ref.Reduce = slices.Index(*reduces, reduce); ref.Reduce < 0 {
		ref.Reduce = len(*reduces)
		*reduces = append(*reduces, reduce)
	}
	return ref
}

// normal returns the definition with its views and reduces in an order of their own,
// so that the order in which a document names them does not count, and moves refs.
func (d *Definition) normal(refs map[string]Ref) *Definition {
	views := slices.Clone(d.Views)
	for i, v := range views {
		views[i].Reduces = slices.Sorted(slices.Values(v.Reduces))
	}
	slices.SortFunc(views, func(a, b ViewDefinition) int {
		if c := strings.Compare(a.Map, b.Map); c != 0 {
			return c
		}
		return int(flag(a.Raw)) - int(flag(b.Raw))
	})
	for name, ref := range refs {
		old := d.Views[ref.View]
		moved := Ref{Reduce: -1}
		moved.View = slices.IndexFunc(views, func(v ViewDefinition) bool { return v.Map == old.Map && v.Raw == old.Raw })
		if ref.Reduce >= 0 {
			moved.Reduce = slices.Index(views[moved.View].Reduces, old.Reduces[ref.Reduce])
		}
		refs[name] = moved
	}
	normal := *d
	normal.Views = views
	return &normal
}

// maxViews is how many views one index can have.
const maxViews = 1 << 16

func (d *Definition) validate() error {
	if len(d.Views) > maxViews {
		return couch.Errorf(couch.BadRequest, "A design document has at most %d views.", maxViews)
	}
	return nil
}
