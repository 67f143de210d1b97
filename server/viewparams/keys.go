package viewparams

import (
	"strings"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// Key is a value of `key`, `keys` or a bound of a range: any JSON.
type Key struct {
	Text     []byte // the JSON, as CouchDB prints it
	ID       string // of a string: the string
	IsString bool
}

// MaxKeys bounds the keys of one request, in bytes.
const MaxKeys = 16 << 20

// readKey reads the value at which r stands.
func readKey(r *docjson.Reader) (Key, error) {
	kind, err := r.Kind()
	if err != nil {
		return Key{}, err
	}
	if kind != docjson.String {
		text, err := r.Value()
		return Key{Text: text}, err
	}
	id, err := r.String()
	return Key{Text: docjson.AppendString(nil, id), ID: id, IsString: true}, err
}

// ReadKeys reads the array of keys at which r stands. What is no array is noArray;
// more than MaxKeys is a RequestTooLarge.
func ReadKeys(r *docjson.Reader, noArray error) ([]Key, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		return nil, noArray
	}
	keys, size := []Key{}, 0
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		k, err := readKey(r)
		if err != nil {
			return nil, err
		}
		if size += len(k.Text) + 16; size > MaxKeys {
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

// RequireObject checks that r stands at an object. The error is a BadRequest.
func RequireObject(r *docjson.Reader) error {
	if kind, err := r.Kind(); err != nil {
		return err
	} else if kind != docjson.Object {
		return couch.Errorf(couch.BadRequest, "Request body must be a JSON object")
	}
	return nil
}
