// Package javascript lets indexes of views run their functions in the engine of design
// documents.
package javascript

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/view"
	"settle/storage/view/reduction"
)

// Functions returns the functions of an engine, which stays its owner's.
func Functions(engine *design.Engine) view.Functions { return functions{engine} }

type functions struct{ engine *design.Engine }

// Mapper implements view.Functions.
func (f functions) Mapper(database couch.Incarnation, d *view.Definition) (view.Mapper, error) {
	sources := make([]string, len(d.Views))
	for i, v := range d.Views {
		sources[i] = v.Map
	}
	return mapper{f.engine.Mapper(database, json.RawMessage(d.Lib), sources)}, nil
}

// Reducer implements view.Functions.
func (f functions) Reducer(database couch.Incarnation, signature, source string) (reduction.Reducer, error) {
	return reducer{f.engine.Reducer(database, signature, source)}, nil
}

type mapper struct{ mapper *design.Mapper }

// Close implements view.Mapper.
func (m mapper) Close() { m.mapper.Close() }

// Map implements view.Mapper.
func (m mapper) Map(ctx context.Context, docs [][]byte) ([][][]view.Emitted, error) {
	rows, err := m.mapper.Map(ctx, docs)
	if err != nil {
		return nil, err
	}
	out := make([][][]view.Emitted, len(rows))
	for i, views := range rows {
		out[i] = make([][]view.Emitted, len(views))
		for j, emitted := range views {
			for _, row := range emitted {
				out[i][j] = append(out[i][j], view.Emitted(row))
			}
		}
	}
	return out, nil
}

// reducer is a reduce function in JavaScript. Its state is one byte and a text: the
// reduction, JSON, or why there is none.
type reducer struct{ reducer *design.Reducer }

const (
	isValue    = 'v'
	isOverflow = 'o'
)

// overflowError is the error of a reduction that does not get shorter.
const overflowError = "reduce_overflow_error"

// newState makes a state of what the function gave.
func newState(value string, err error) ([]byte, error) {
	if e, ok := errors.AsType[*design.Error](err); ok && e.Name == overflowError {
		return append([]byte{isOverflow}, e.Text()...), nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{isValue}, value...), nil
}

// Reduce implements reduction.Reducer.
func (r reducer) Reduce(ctx context.Context, rows []reduction.Row) ([]byte, error) {
	in := make([]design.ReduceRow, len(rows))
	for i, row := range rows {
		in[i] = design.ReduceRow{Key: string(row.Key), ID: string(row.ID), Value: string(row.Value)}
	}
	return newState(r.reducer.Reduce(ctx, in))
}

// Combine implements reduction.Reducer.
func (r reducer) Combine(ctx context.Context, states [][]byte) ([]byte, error) {
	values := make([]string, len(states))
	for i, state := range states {
		if len(state) == 0 {
			return nil, couch.Errorf(couch.Corrupt, "Stored data is damaged: reduction")
		}
		if state[0] == isOverflow {
			return bytes.Clone(state), nil
		}
		values[i] = string(state[1:])
	}
	return newState(r.reducer.Rereduce(ctx, values))
}

// Finish implements reduction.Reducer. As in CouchDB's answers every reduction is reduced again
// at least once.
func (r reducer) Finish(ctx context.Context, state []byte) (reduction.Result, error) {
	state, err := r.Combine(ctx, [][]byte{state})
	switch {
	case err != nil:
		return reduction.Result{}, err
	case state[0] == isOverflow:
		return reduction.Result{Error: overflowError, Reason: string(state[1:])}, nil
	}
	return reduction.Result{Value: state[1:]}, nil
}
