package databases

import (
	"strings"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// key is a value of `key`, `keys` or a bound of a range: any JSON. Ids are
// strings; every other value sorts below all of them.
type key struct {
	text     []byte // the JSON, as CouchDB prints it
	id       string // of a string
	isString bool
}

// maxKeys bounds the keys of one request, in bytes.
const maxKeys = 16 << 20

// readKey reads the value at which r stands.
func readKey(r *docjson.Reader) (key, error) {
	kind, err := r.Kind()
	if err != nil {
		return key{}, err
	}
	if kind != docjson.String {
		text, err := r.Value()
		return key{text: text}, err
	}
	id, err := r.String()
	return key{text: docjson.AppendString(nil, id), id: id, isString: true}, err
}

// readKeys reads the array of keys at which r stands. What is no array is
// noArray.
func readKeys(r *docjson.Reader, noArray error) ([]key, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		return nil, noArray
	}
	keys, size := []key{}, 0
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		k, err := readKey(r)
		if err != nil {
			return nil, err
		}
		if size += len(k.text) + 16; size > maxKeys {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// parse reads a parameter that is JSON.
func parse[T any](text string, read func(*docjson.Reader) (T, error)) (T, error) {
	r := docjson.NewReader(strings.NewReader(text))
	v, err := read(r)
	if err == nil {
		err = r.End()
	}
	return v, err
}

// requireObject checks that r stands at an object.
func requireObject(r *docjson.Reader) error {
	if kind, err := r.Kind(); err != nil {
		return err
	} else if kind != docjson.Object {
		return couch.Errorf(couch.BadRequest, "Request body must be a JSON object")
	}
	return nil
}
