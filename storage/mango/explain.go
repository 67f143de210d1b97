package mango

import "strconv"

// Explanation is what `_explain` shows of a plan beside the plan.
type Explanation struct {
	Database    string
	Partitioned bool // the database is
}

// maxKey is what `_explain` shows for what comes behind every key.
const maxKey = `"<MAX>"`

// AppendJSON appends the answer of `_explain`.
func (e Explanation) AppendJSON(dst []byte, p *Plan) []byte {
	q := p.Query
	dst = appendString(append(dst, `{"dbname":`...), e.Database)
	dst = append(dst, `,"index":`...)
	if p.Index == nil {
		dst = append(dst, "null"...)
	} else {
		dst = p.Index.AppendJSON(dst)
	}
	dst = appendBool(append(dst, `,"partitioned":`...), e.Partitioned)
	dst = q.Selector.AppendJSON(append(dst, `,"selector":`...))
	dst = q.appendOptions(append(dst, `,"opts":`...))
	dst = strconv.AppendInt(append(dst, `,"limit":`...), int64(q.Limit), 10)
	dst = strconv.AppendInt(append(dst, `,"skip":`...), int64(q.Skip), 10)
	dst = appendStrings(append(dst, `,"fields":`...), q.Fields.names())
	dst = p.appendCandidates(append(dst, `,"index_candidates":`...))
	dst = q.appendHints(append(dst, `,"selector_hints":`...))
	if p.Index != nil {
		dst = p.appendArguments(append(dst, `,"mrargs":`...))
		dst = appendBool(append(dst, `,"covering":`...), p.Covering)
	}
	return append(dst, '}')
}

func (q *Query) appendOptions(dst []byte) []byte {
	dst = appendStrings(append(dst, `{"use_index":`...), q.UseIndex)
	bookmark := q.Bookmark
	if bookmark == "" {
		bookmark = NoBookmark
	}
	dst = appendString(append(dst, `,"bookmark":`...), bookmark)
	dst = strconv.AppendInt(append(dst, `,"limit":`...), int64(q.Limit), 10)
	dst = strconv.AppendInt(append(dst, `,"skip":`...), int64(q.Skip), 10)
	dst = q.Sort.appendObject(append(dst, `,"sort":`...))
	dst = appendStrings(append(dst, `,"fields":`...), q.Fields.names())
	dst = appendString(append(dst, `,"partition":`...), q.Partition)
	dst = strconv.AppendInt(append(dst, `,"r":`...), int64(q.R), 10)
	dst = appendBool(append(dst, `,"conflicts":`...), q.Conflicts)
	if q.Stale {
		dst = append(dst, `,"stale":"ok"`...)
	} else {
		dst = append(dst, `,"stale":false`...)
	}
	dst = appendBool(append(dst, `,"update":`...), q.Update)
	dst = appendBool(append(dst, `,"stable":`...), q.Stable)
	dst = appendBool(append(dst, `,"execution_stats":`...), q.ExecutionStats)
	dst = appendBool(append(dst, `,"allow_fallback":`...), q.AllowFallback)
	return append(dst, '}')
}

func (p *Plan) appendCandidates(dst []byte) []byte {
	dst = append(dst, '[')
	for i, c := range p.Candidates {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.Index.AppendJSON(append(dst, `{"index":`...))
		dst = appendBool(append(dst, `,"analysis":{"usable":`...), c.Usable)
		dst = appendString(append(dst, `,"reasons":[{"name":`...), c.Reason)
		dst = strconv.AppendInt(append(dst, `}],"ranking":`...), int64(c.Ranking), 10)
		dst = append(dst, `,"covering":`...)
		if c.Index.IsAllDocs() {
			dst = append(dst, "null"...)
		} else {
			dst = appendBool(dst, c.Covering)
		}
		dst = append(dst, "}}"...)
	}
	return append(dst, ']')
}

// appendHints appends which of the selector's fields an index could serve. As in CouchDB
// those are without the type that a sort may give them, by which they are then looked up.
func (q *Query) appendHints(dst []byte) []byte {
	served := make(map[string]bool)
	var can, cannot []string
	for _, name := range q.Selector.indexableFields() {
		if name = withoutType(name); !served[name] {
			served[name] = true
			can = append(can, name)
		}
	}
	for _, name := range q.Selector.fields() {
		if !served[name] {
			cannot = append(cannot, name)
		}
	}
	dst = appendStrings(append(dst, `[{"type":"json","indexable_fields":`...), can)
	dst = appendStrings(append(dst, `,"unindexable_fields":`...), cannot)
	return append(dst, "}]"...)
}

// appendArguments appends how the index is read, in the terms of a view query.
func (p *Plan) appendArguments(dst []byte) []byte {
	q := p.Query
	low, high, direction := p.low(), p.high(), "fwd"
	if p.Keys.Empty {
		low, high = []byte("null"), []byte("null")
	}
	if q.Sort.Descending {
		low, high, direction = high, low, "rev"
	}
	dst = appendBool(append(dst, `{"include_docs":`...), !p.Covering && q.R == 1)
	dst = append(dst, `,"view_type":"map","reduce":false,"partition":`...)
	if q.Partition == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, q.Partition)
	}
	dst = append(append(dst, `,"start_key":`...), low...)
	dst = append(append(dst, `,"end_key":`...), high...)
	dst = appendString(append(dst, `,"direction":`...), direction)
	dst = appendBool(append(dst, `,"stable":`...), q.Stable || q.Stale)
	dst = appendBool(append(dst, `,"update":`...), q.Update && !q.Stale)
	if q.Conflicts {
		return append(dst, `,"conflicts":true}`...)
	}
	return append(dst, `,"conflicts":"undefined"}`...)
}

func (p *Plan) low() []byte {
	if !p.Index.IsAllDocs() {
		return appendArray(nil, p.Keys.Low)
	}
	if len(p.Keys.Low) == 0 {
		return []byte("null")
	}
	return p.Keys.Low[0]
}

// high is the high end; behind the columns that are bounded comes every other one.
func (p *Plan) high() []byte {
	switch {
	case !p.Index.IsAllDocs():
		return appendArray(nil, append(p.Keys.High[:len(p.Keys.High):len(p.Keys.High)], []byte(maxKey)))
	case len(p.Keys.High) == 0:
		return []byte(maxKey)
	}
	return p.Keys.High[0]
}

func appendArray(dst []byte, elements [][]byte) []byte {
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, element...)
	}
	return append(dst, ']')
}

func appendStrings(dst []byte, all []string) []byte {
	dst = append(dst, '[')
	for i, s := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}
