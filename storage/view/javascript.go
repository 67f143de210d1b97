package view

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"settle/storage/design"
	"settle/storage/view/reduction"
)

// JavaScriptFunctions runs functions in the engine of design documents. It does not
// close the engine.
func JavaScriptFunctions(engine *design.Engine) Functions { return jsFunctions{engine} }

type jsFunctions struct{ engine *design.Engine }

// Mapper implements Functions.
func (f jsFunctions) Mapper(d *Definition) (Mapper, error) {
	sources := make([]string, len(d.Views))
	for i, v := range d.Views {
		sources[i] = v.Map
	}
	return jsMapper{f.engine.Mapper(json.RawMessage(d.Lib), sources)}, nil
}

// Reducer implements Functions.
func (f jsFunctions) Reducer(_ *Definition, source string) (reduction.Reducer, error) {
	return jsReducer{f.engine.Reducer(source)}, nil
}

type jsMapper struct{ mapper *design.Mapper }

// Map implements Mapper.
func (m jsMapper) Map(ctx context.Context, docs [][]byte) ([][][]Emitted, error) {
	rows, err := m.mapper.Map(ctx, docs)
	if err != nil {
		return nil, err
	}
	out := make([][][]Emitted, len(rows))
	for i, views := range rows {
		out[i] = make([][]Emitted, len(views))
		for j, emitted := range views {
			for _, row := range emitted {
				out[i][j] = append(out[i][j], Emitted(row))
			}
		}
	}
	return out, nil
}

// jsReducer is a reduce function in JavaScript. Its state is one byte and a text: the
// reduction, JSON, or why there is none.
type jsReducer struct{ reducer *design.Reducer }

const (
	jsValue    = 'v'
	jsOverflow = 'o'
)

// overflowError is the error of a reduction that does not get shorter.
const overflowError = "reduce_overflow_error"

// jsState makes a state of what the function gave.
func jsState(value string, err error) ([]byte, error) {
	if e, ok := errors.AsType[*design.Error](err); ok && e.Name == overflowError {
		return append([]byte{jsOverflow}, e.Text()...), nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{jsValue}, value...), nil
}

// Reduce implements Reducer.
func (r jsReducer) Reduce(ctx context.Context, rows []reduction.Row) ([]byte, error) {
	in := make([]design.ReduceRow, len(rows))
	for i, row := range rows {
		in[i] = design.ReduceRow{Key: string(row.Key), ID: string(row.ID), Value: string(row.Value)}
	}
	return jsState(r.reducer.Reduce(ctx, in))
}

// Combine implements Reducer.
func (r jsReducer) Combine(ctx context.Context, states [][]byte) ([]byte, error) {
	values := make([]string, len(states))
	for i, state := range states {
		if len(state) == 0 {
			return nil, corrupt("reduction")
		}
		if state[0] == jsOverflow {
			return bytes.Clone(state), nil
		}
		values[i] = string(state[1:])
	}
	return jsState(r.reducer.Rereduce(ctx, values))
}

// Finish implements Reducer. As in CouchDB's answers every reduction is reduced again
// at least once.
func (r jsReducer) Finish(ctx context.Context, state []byte) (reduction.Result, error) {
	state, err := r.Combine(ctx, [][]byte{state})
	switch {
	case err != nil:
		return reduction.Result{}, err
	case state[0] == jsOverflow:
		return reduction.Result{Error: overflowError, Reason: string(state[1:])}, nil
	}
	return reduction.Result{Value: state[1:]}, nil
}
