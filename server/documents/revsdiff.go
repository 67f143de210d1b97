package documents

import (
	"net/http"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// revsDiff answers POST /{db}/_revs_diff: which of the revisions that a peer
// offers are missing here, and what they may descend from.
func (r request) revsDiff() error {
	diffs, err := r.missing()
	if err != nil {
		return err
	}
	out := []byte{'{'}
	for i, d := range diffs {
		if i > 0 {
			out = append(out, ',')
		}
		out = docjson.AppendString(out, string(d.ID))
		out = docjson.AppendRevs(append(out, `:{"missing":`...), d.Missing)
		if len(d.PossibleAncestors) > 0 {
			out = docjson.AppendRevs(append(out, `,"possible_ancestors":`...), d.PossibleAncestors)
		}
		out = append(out, '}')
	}
	return r.WriteRawJSON(http.StatusOK, append(out, '}'))
}

// missingRevs answers POST /{db}/_missing_revs, the older form of _revs_diff.
func (r request) missingRevs() error {
	diffs, err := r.missing()
	if err != nil {
		return err
	}
	out := []byte(`{"missing_revs":{`)
	for i, d := range diffs {
		if i > 0 {
			out = append(out, ',')
		}
		out = docjson.AppendString(out, string(d.ID))
		out = docjson.AppendRevs(append(out, ':'), d.Missing)
	}
	return r.WriteRawJSON(http.StatusOK, append(out, "}}"...))
}

// missing reads the revisions that the body offers and returns those that are
// not here.
func (r request) missing() ([]couch.RevsDiff, error) {
	json, err := r.openObject()
	if err != nil {
		return nil, err
	}
	asks, err := readAsks(json)
	if err != nil {
		return nil, err
	}
	for _, ask := range asks {
		if err := r.checkPartition(ask.ID); err != nil {
			return nil, err
		}
	}
	return r.db.RevsDiff(r.Context(), asks)
}

// readAsks reads {"id":["rev",..],..}. Of several members of one name the last
// counts.
func readAsks(json *docjson.Reader) ([]couch.RevsAsk, error) {
	var asks []couch.RevsAsk
	places := map[string]int{}
	left := budget(maxAsks)
	for id, err := range json.Members() {
		if err != nil {
			return nil, err
		}
		revs, err := readRevs(json, &left, "Expected a list of revisions for each document")
		if err != nil {
			return nil, err
		}
		if err := left.keep(perAsk + 2*len(id)); err != nil {
			return nil, err
		}
		if i, ok := places[id]; ok {
			asks[i].Revs = revs
			continue
		}
		places[id] = len(asks)
		asks = append(asks, couch.RevsAsk{ID: couch.DocID(id), Revs: revs})
	}
	return asks, json.End()
}
