package find

import (
	"strconv"
	"strings"
	"time"

	"settle/storage/couch"
	"settle/storage/mango"
)

// lookAhead is how many rows are read behind the last document that is shown.
const lookAhead = 100

// isFull reports whether all documents are written that the query wants.
func (s *search) isFull() bool { return s.returned == s.plan.Query.Limit }

// isDone reports whether a row was the last one to examine. CouchDB reads on behind the
// last document until one more matches, and tells what it examined only if none does.
// Here that is given up after some rows, and at once where it would not show.
func (s *search) isDone() bool {
	if !s.isFull() || s.more {
		return s.more
	}
	s.beyond++
	return s.beyond > lookAhead || !s.plan.Query.ExecutionStats && !s.isMany(s.docs+lookAhead)
}

// examined returns how many keys and documents the search is said to have looked at:
// as in CouchDB none where it stopped as there is more, but for those that are read from
// several copies.
func (s *search) examined() (keys, docs int64) {
	keys, docs = s.keys, s.docs
	if s.more {
		keys = 0
	}
	if s.more && s.plan.Query.R == 1 {
		docs = 0
	}
	return keys, docs
}

// tail is what stands behind the documents.
func (s *search) tail() string {
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
	keys, docs := s.examined()
	quorum := int64(0)
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
	if _, docs := s.examined(); s.isMany(docs) {
		all = append(all, "The number of documents examined is high in proportion to the number of results returned. Consider adding a more specific index to improve this.")
	}
	return all
}

// isMany reports whether so many documents are many for those that were shown.
func (s *search) isMany(docs int64) bool {
	return s.scanWarning > 0 && docs > s.scanWarning*int64(max(1, s.returned))
}

func (s *search) noIndex() []string {
	if s.plan.Index.IsAllDocs() {
		return []string{"No matching index found, create an index to optimize query time."}
	}
	return nil
}
