package design

import (
	"context"
	"encoding/json"
	"strings"

	"settle/storage/couch"
)

// Reducer runs one reduce function.
type Reducer struct{ functions functions }

// Reducer returns the reduce function of a scope with the given source, which is not
// one of the built-in ones. What it leaves in its globals is found by the same function
// of the same owner only. Nothing is compiled yet.
func (e *Engine) Reducer(scope couch.Incarnation, owner, source string) *Reducer {
	f := e.functions(scope, "reducer", source)
	f.name = newKey(string(f.name[:]), owner)
	f.key = f.name
	return &Reducer{functions: f}
}

// ReduceRow is a row of a view: key and value are JSON texts.
type ReduceRow struct {
	Key   string
	ID    string
	Value string
}

// Reduce calls the function with the rows' keys and values and returns the
// reduction, JSON. It is "null" where the function throws, which is logged.
//
// The error is the context's or an *Error, as of Mapper.Map, or with the name
// reduce_overflow_error where the reduction is long and not half as long as the rows.
func (r *Reducer) Reduce(ctx context.Context, rows []ReduceRow) (string, error) {
	var b strings.Builder
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("[[")
		b.WriteString(row.Key)
		b.WriteByte(',')
		b.WriteString(jsonString(row.ID))
		b.WriteString("],")
		b.WriteString(row.Value)
		b.WriteByte(']')
	}
	b.WriteByte(']')
	return r.functions.call(ctx, "reduce", b.String())
}

// Rereduce calls the function with reductions, JSON texts, and otherwise does as
// Reduce.
func (r *Reducer) Rereduce(ctx context.Context, reductions []string) (string, error) {
	return r.functions.call(ctx, "rereduce", "["+strings.Join(reductions, ",")+"]")
}

// jsonString prints a string as CouchDB does: no escapes but those that JSON asks for.
func jsonString(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return `""` // no error is possible: it is a string
	}
	return strings.TrimSuffix(b.String(), "\n")
}
