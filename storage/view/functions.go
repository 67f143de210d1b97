package view

import (
	"context"

	"settle/storage/couch"
	"settle/storage/view/funcerr"
	"settle/storage/view/reduction"
)

// Emitted is a row that a map function gives: two JSON texts.
type Emitted struct{ Key, Value string }

// Mapper runs the map functions of a definition, for one update. It is safe for
// concurrent use.
type Mapper interface {
	// Map returns what each function emits for each document, from the first on: a
	// list for each document, in it one for each view. It may return fewer than it is
	// given, one at least, so as not to hold many rows. Documents are JSON texts as
	// CouchDB gives them to map functions: with `_conflicts`, and attachments as
	// stubs. A function that fails on a document emits nothing for it; an error ends
	// the update.
	Map(ctx context.Context, docs [][]byte) ([][][]Emitted, error)
	// Close frees what the functions hold. It comes behind the last call of Map.
	Close()
}

// Functions makes functions of their sources. Those of one database, and reductions of
// one index, never find what others' have left behind. It is safe for concurrent use.
type Functions interface {
	// Mapper returns the map functions of a definition, in the order of its views, for
	// one update of an index of the database. The caller closes it.
	Mapper(database couch.Incarnation, d *Definition) (Mapper, error)
	// Reducer returns a reduce function, not built in, of the index with a signature.
	Reducer(database couch.Incarnation, signature, source string) (reduction.Reducer, error)
}

// noFunctions is there where no other Functions are.
type noFunctions struct{}

func (noFunctions) Mapper(_ couch.Incarnation, d *Definition) (Mapper, error) {
	return nil, couch.Errorf(couch.NotImplemented, "no functions of the language %s", d.Language)
}

func (noFunctions) Reducer(couch.Incarnation, string, string) (reduction.Reducer, error) {
	return nil, couch.Errorf(couch.NotImplemented, "no reduce functions but the built-in ones")
}

// reducers returns the reduce functions of a view.
func reducers(f Functions, database couch.Incarnation, signature string, v ViewDefinition) ([]reduction.Reducer, error) {
	out := make([]reduction.Reducer, len(v.Reduces))
	for i, source := range v.Reduces {
		r, err := reduction.Builtin(source)
		if err == nil && r == nil {
			if r, err = f.Reducer(database, signature, source); err == nil {
				r = funcerr.Reducer(r)
			}
		}
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}
