package find

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/mango"
)

// appendString appends a JSON string.
func appendString(dst []byte, s string) []byte { return docjson.AppendString(dst, s) }

// find answers with the documents that a selector matches.
func (f *Find) find(r *web.Request) error {
	plan, err := f.readPlan(r)
	if err != nil {
		return err
	}
	if plan.Index == nil {
		return &couch.Error{Kind: couch.NoUsableIndex}
	}
	s := &search{plan: plan, began: time.Now()}
	if text := plan.Query.Bookmark; text != "" {
		b, err := mango.ParseBookmark(text)
		if err != nil {
			return err
		}
		s.last = &b
	}
	answer := r.NewList("{\"docs\":[\r\n", ",\r\n")
	if plan.Query.Limit > 0 && !plan.Keys.Empty {
		if err := s.run(f.candidates(r, plan, s.last), answer); err != nil {
			return err
		}
	}
	return answer.Close("\r\n]" + s.tail())
}

// search is a query that is being answered.
type search struct {
	plan  *mango.Plan
	began time.Time

	last              *mango.Bookmark // of the row that matched last
	keys, docs        int64           // examined
	skipped, returned int
	text              []byte // of a document
}

// run writes the documents that match.
func (s *search) run(rows iter.Seq2[candidate, error], answer *web.List) error {
	q := s.plan.Query
	for one, err := range rows {
		if err != nil {
			return err
		}
		s.keys++
		if !s.matches(&one) || one.hidden {
			continue
		}
		last := s.plan.NewBookmark(one.key, one.id)
		s.last = &last
		if s.skipped < q.Skip {
			s.skipped++
			continue
		}
		if one.doc != nil {
			s.text = docjson.AppendDocument(s.text[:0], one.doc, docjson.Print{})
		}
		if err := answer.Item(q.Fields.Append(nil, s.text)); err != nil {
			return err
		}
		if s.returned++; s.returned == q.Limit {
			return nil
		}
	}
	return nil
}

// matches asks the selector about a document in its ordinary form, or about what the
// index holds of it.
func (s *search) matches(one *candidate) bool {
	switch {
	case one.text != nil:
		s.text = append(s.text[:0], one.text...)
	case one.doc == nil:
		return false
	default:
		s.docs++
		bare := *one.doc
		bare.Conflicts, bare.Form = nil, nil
		s.text = docjson.AppendDocument(s.text[:0], &bare, docjson.Print{})
	}
	return s.plan.Query.Selector.Match(s.text)
}

// tail is what stands behind the documents. As in CouchDB there is nothing where the
// query needed no search.
func (s *search) tail() string {
	if s.plan.Keys.Empty {
		return "}\n"
	}
	bookmark := mango.NoBookmark
	if s.last != nil {
		bookmark = s.last.String()
	}
	b := appendString([]byte(",\n\"bookmark\":"), bookmark)
	if s.plan.Query.ExecutionStats {
		b = s.appendStats(b)
	}
	if warnings := s.warnings(); len(warnings) > 0 {
		b = appendString(append(b, ",\n\"warning\":"...), strings.Join(warnings, "\n"))
	}
	return string(append(b, "}\n"...))
}

func (s *search) appendStats(b []byte) []byte {
	keys, docs, quorum := s.keys, s.docs, int64(0)
	if s.plan.Query.R > 1 {
		docs, quorum = 0, docs
	}
	b = strconv.AppendInt(append(b, ",\n\"execution_stats\":{\"total_keys_examined\":"...), keys, 10)
	b = strconv.AppendInt(append(b, `,"total_docs_examined":`...), docs, 10)
	b = strconv.AppendInt(append(b, `,"total_quorum_docs_examined":`...), quorum, 10)
	b = strconv.AppendInt(append(b, `,"results_returned":`...), int64(s.returned), 10)
	milliseconds := float64(time.Since(s.began).Microseconds()) / 1000
	b = strconv.AppendFloat(append(b, `,"execution_time_ms":`...), milliseconds, 'f', 3, 64)
	return append(b, '}')
}

// scanWarning is how many documents may be looked at for each that is shown before
// the client is told.
const scanWarning = 10

// warnings tells of an index that was asked for in vain, of a query without an index,
// and of one that looked at many documents (mango_cursor:maybe_add_warning).
func (s *search) warnings() []string {
	var all []string
	q, x := s.plan.Query, s.plan.Index
	design := ""
	if len(q.UseIndex) > 0 {
		design = strings.TrimPrefix(q.UseIndex[0], couch.DesignPrefix)
	}
	switch {
	case len(q.UseIndex) == 1 && !q.Names(x):
		all = append(all, "_design/"+design+" was not used because it does not contain a valid index for this query.")
	case len(q.UseIndex) == 2 && !q.Names(x):
		all = append(all, "_design/"+design+", "+q.UseIndex[1]+" was not used because it is not a valid index for this query.")
	}
	all = append(all, s.noIndex()...)
	if s.docs > scanWarning*int64(max(1, s.returned)) {
		all = append(all, "The number of documents examined is high in proportion to the number of results returned. Consider adding a more specific index to improve this.")
	}
	return all
}

func (s *search) noIndex() []string {
	if s.plan.Index.IsAllDocs() {
		return []string{"No matching index found, create an index to optimize query time."}
	}
	return nil
}
