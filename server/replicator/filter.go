package replicator

import (
	"context"
	"encoding/json"
	"strings"

	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/mango"
)

// matcher makes a filter by what documents say.
func (r *Replicator) matcher(ctx context.Context, db replication.Database, f replication.Filter) (replication.Matcher, error) {
	if f.Selector != nil {
		return selectorMatcher(f.Selector)
	}
	name, function, ok := strings.Cut(f.Function, "/")
	var params = make(map[string]string)
	for _, p := range f.Params {
		params[p.Name] = p.Value
	}
	isView := f.Function == "_view"
	if isView {
		name, function, ok = strings.Cut(params["view"], "/")
	}
	if !ok || name == "" || function == "" {
		return nil, replication.Errorf(replication.Invalid, "the filter must be of the form design/filter")
	}
	doc, err := db.Get(ctx, couch.DocID(couch.DesignPrefix+name), couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	info, err := db.Info(ctx)
	if err != nil {
		return nil, err
	}
	opened, err := r.Functions.Document(info.Incarnation, docjson.AppendDocument(nil, doc, docjson.Print{}))
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(map[string]any{"query": params, "method": "GET", "path": []string{db.Name(), "_changes"}, "form": struct{}{}})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, docs []*couch.Document) ([]bool, error) {
		texts := make([][]byte, len(docs))
		for i, doc := range docs {
			texts[i] = docjson.AppendDocument(nil, doc, docjson.Print{Revs: true})
		}
		if isView {
			return opened.FilterByView(ctx, function, texts)
		}
		return opened.Filter(ctx, function, texts, request)
	}, nil
}

func selectorMatcher(text []byte) (replication.Matcher, error) {
	canonical, err := docjson.NewReader(strings.NewReader(string(text))).Value()
	if err != nil {
		return nil, err
	}
	selector, err := mango.Parse(canonical)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, docs []*couch.Document) ([]bool, error) {
		matches := make([]bool, len(docs))
		for i, doc := range docs {
			matches[i] = selector.Match(docjson.AppendDocument(nil, doc, docjson.Print{}))
		}
		return matches, nil
	}, nil
}
