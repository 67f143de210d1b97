package replicator

import (
	"context"
	"encoding/json"
	"strings"

	"settle/replication"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
	"settle/storage/mango"
)

// matcher makes a filter by what documents say.
func (r *Replicator) matcher(ctx context.Context, db replication.Database, f replication.Filter) (replication.Matcher, error) {
	if f.Selector != nil {
		return selectorMatcher(f.Selector)
	}
	params := make(map[string]string)
	for _, p := range f.Params {
		params[p.Name] = p.Value
	}
	isView, path := f.Function == "_view", f.Function
	if isView {
		path = params["view"]
	}
	name, function, _ := strings.Cut(path, "/")
	if name == "" || function == "" {
		return nil, replication.Errorf(replication.Invalid, "the filter must be of the form design/filter")
	}
	opened, err := r.openDesign(ctx, db, name)
	if err != nil {
		return nil, err
	}
	request, err := requestObject(ctx, db.Name(), params)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, docs []*couch.Document) ([]bool, error) {
		texts := make([][]byte, len(docs))
		for i, doc := range docs {
			texts[i] = docjson.AppendDocument(nil, design.Shown(doc), docjson.Print{Revs: true})
		}
		if isView {
			return opened.FilterByView(ctx, function, texts)
		}
		return opened.Filter(ctx, function, texts, request)
	}, nil
}

// requestObject returns what a filter function is shown of the request for changes that
// it stands for: who replicates, and with which parameters.
func requestObject(ctx context.Context, db string, params map[string]string) ([]byte, error) {
	path, none := []string{db, "_changes"}, struct{}{}
	return json.Marshal(map[string]any{
		"id": nil, "method": "GET", "requested_path": path, "path": path, "query": params,
		"headers": none, "body": "undefined", "form": none, "cookie": none,
		"userCtx": json.RawMessage(docjson.AppendUserCtx(nil, db, couch.UserOf(ctx))),
	})
}

// openDesign makes a design document's functions ready.
func (r *Replicator) openDesign(ctx context.Context, db replication.Database, name string) (*design.Document, error) {
	doc, err := db.Get(ctx, couch.DocID(couch.DesignPrefix+name), couch.GetOptions{})
	if err != nil {
		return nil, err
	}
	info, err := db.Info(ctx)
	if err != nil {
		return nil, err
	}
	return r.Functions.Document(info.Incarnation, docjson.AppendDocument(nil, doc, docjson.Print{}))
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
