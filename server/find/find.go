package find

import (
	"iter"
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
	partitioned := web.DatabaseOf[Database](r).Partitioned()
	if plan.Index == nil {
		return unsorted(partitioned, plan.Query.Partition)
	}
	s := &search{plan: plan, scanWarning: f.settings().ScanWarning, began: time.Now()}
	answer := r.NewList("{\"docs\":[\r\n", ",\r\n")
	if plan.Keys.Empty { // as in CouchDB not even the bookmark is looked at
		return answer.Close("\r\n]}\n")
	}
	if err := s.prepare(partitioned); err != nil {
		return err
	}
	if err := s.run(f.candidates(r, plan, s.last), answer); err != nil {
		return err
	}
	return answer.Close("\r\n]" + s.tail())
}

// unsorted says that no index has the order that a query wants.
func unsorted(partitioned bool, partition string) error {
	scope := ""
	switch {
	case partitioned && partition != "":
		scope = "partitioned "
	case partitioned:
		scope = "global "
	}
	return couch.Errorf(couch.NoUsableIndex, "No %sindex exists for this sort, try indexing by the sort fields.", scope)
}

// search is a query that is being answered.
type search struct {
	plan        *mango.Plan
	scanWarning int64
	began       time.Time

	last              *mango.Bookmark // of the row that matched last
	keys, docs        int64           // examined
	skipped, returned int
	beyond            int    // rows that were read behind the last document
	more              bool   // one of them matches
	text              []byte // of a document
}

// prepare finds where to begin. What a query says of a partition is for the search to
// refuse; it can be explained in any database.
func (s *search) prepare(partitioned bool) error {
	q := s.plan.Query
	if q.Partition != "" && !partitioned {
		return couch.Errorf(couch.BadRequest, "partition specified on non-partitioned db")
	}
	if q.Bookmark == "" {
		return nil
	}
	b, err := mango.ParseBookmark(q.Bookmark)
	s.last = &b
	return err
}

// run writes the documents that match.
func (s *search) run(rows iter.Seq2[candidate, error], answer *web.List) error {
	for one, err := range rows {
		if err == nil {
			err = s.examine(&one, answer)
		}
		if err != nil || s.isDone() {
			return err
		}
	}
	return nil
}

// examine writes one document, if it matches.
func (s *search) examine(one *candidate, answer *web.List) error {
	q := s.plan.Query
	s.keys++
	if !s.matches(one) || one.hidden {
		return nil
	}
	if !s.isFull() {
		last := s.plan.NewBookmark(one.key, one.id)
		s.last = &last
	}
	if s.skipped < q.Skip {
		s.skipped++
		return nil
	}
	if s.isFull() {
		s.more = true
		return nil
	}
	if one.doc != nil {
		s.text = docjson.AppendDocument(s.text[:0], one.doc, docjson.Print{})
	}
	s.returned++
	return answer.Item(q.Fields.Append(nil, s.text))
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
		bare.Form = nil
		s.text = docjson.AppendDocument(s.text[:0], &bare, docjson.Print{})
	}
	return s.plan.Query.Selector.Match(s.text)
}
