package find

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/mango"
)

// list answers with the indexes of a database.
func list(r *web.Request) error {
	skip, limit, err := window(r.Query())
	if err != nil {
		return err
	}
	indexes, err := indexesOf(r.Context(), web.DatabaseOf[Database](r))
	if err != nil {
		return err
	}
	indexes = append(indexes, mango.AllDocs())
	slices.SortFunc(indexes, (*mango.Index).Compare)
	total := len(indexes)
	indexes = indexes[min(skip, total):]
	answer := r.NewList(`{"total_rows":`+strconv.Itoa(total)+`,"indexes":[`, ",")
	for _, x := range indexes[:min(limit, len(indexes))] {
		if err := answer.Item(x.AppendJSON(nil)); err != nil {
			return err
		}
	}
	return answer.Close("]}\n")
}

// window reads which of the indexes to list.
func window(q web.Query) (skip, limit int, err error) {
	limit = math.MaxInt
	if text, ok := q.Lookup("limit"); ok {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return 0, 0, couch.Errorf(couch.BadRequest, "Index parameter ranges: limit > 1, skip > 0")
		}
	}
	if text, ok := q.Lookup("skip"); ok {
		if skip, err = strconv.Atoi(text); err != nil || skip < 0 {
			return 0, 0, couch.Errorf(couch.BadRequest, "Index parameter ranges: limit > 1, skip > 0")
		}
	}
	return skip, limit, nil
}

// create adds an index to a design document.
func create(r *web.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	definition, err := mango.ParseDefinition(body)
	if err != nil {
		return err
	}
	made, err := add(r, definition)
	if err != nil {
		return err
	}
	result := "exists"
	if made {
		result = "created"
	}
	b := docjson.AppendString([]byte(`{"result":`), result)
	b = docjson.AppendString(append(b, `,"id":`...), string(definition.Design))
	b = docjson.AppendString(append(b, `,"name":`...), definition.Name)
	return r.WriteRawJSON(http.StatusOK, append(b, '}'))
}

// add writes the design document with the index, unless it has it.
func add(r *web.Request, definition *mango.Definition) (bool, error) {
	db := web.DatabaseOf[Database](r)
	doc, err := db.Get(r.Context(), definition.Design, couch.GetOptions{Revs: true})
	var stored []byte
	switch {
	case errors.Is(err, couch.ErrNotFound) || errors.Is(err, couch.ErrDeleted):
		doc = &couch.Document{ID: definition.Design}
	case err != nil:
		return false, err
	default:
		stored = doc.Body.Text
	}
	text, changed, err := definition.AddTo(stored)
	if err != nil || !changed {
		return false, err
	}
	return true, write(r, doc, text)
}

// write makes an edit of a design document; without a text it is deleted.
func write(r *web.Request, doc *couch.Document, text []byte) error {
	edit := &couch.Document{ID: doc.ID, Revisions: doc.Revisions, Deleted: text == nil, Attachments: stubs(doc)}
	if text == nil {
		text, edit.Attachments = []byte("{}"), nil
	}
	term, err := docjson.Term(text)
	if err != nil {
		return err
	}
	edit.Body = couch.Body{Text: text, Term: term}
	results, err := web.DatabaseOf[Database](r).BulkDocs(r.Context(), storage.Docs(edit))
	if err != nil {
		return err
	}
	return results[0].Err
}

// stubs are the attachments of a document, for an edit that keeps them.
func stubs(doc *couch.Document) []couch.Attachment {
	kept := slices.Clone(doc.Attachments)
	for i := range kept {
		kept[i].Stub = true
	}
	return kept
}

// remove takes an index out of its design document.
func remove(r *web.Request) error {
	id := couch.DocID(couch.DesignPrefix + r.Param("design"))
	if name := r.DocID("design"); name.IsDesign() {
		id = name
	}
	if r.Param("type") != "json" {
		return couch.ErrNotFound
	}
	if err := removeOne(r, id, r.Param("name")); err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, []byte(`{"ok":true}`))
}

func removeOne(r *web.Request, id couch.DocID, name string) error {
	db := web.DatabaseOf[Database](r)
	doc, err := db.Get(r.Context(), id, couch.GetOptions{Revs: true})
	if errors.Is(err, couch.ErrDeleted) { // whose indexes are missing like others
		return couch.ErrNotFound
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(mango.Indexes(id, doc.Body.Text, false), func(x *mango.Index) bool { return x.Name == name }) {
		return couch.ErrNotFound
	}
	text, err := mango.RemoveFrom(doc.Body.Text, name)
	if err != nil {
		return err
	}
	return write(r, doc, text)
}

// bulkDelete takes the indexes of several design documents out, each of which has one.
func bulkDelete(r *web.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	ids, err := mango.ParseBulkDelete(body)
	if err != nil {
		return err
	}
	success, fail := []byte(`{"success":[`), []byte(`],"fail":[`)
	results := make([]error, len(ids))
	for i, id := range ids {
		if results[i] = removeOnly(r, id); errors.Is(results[i], errSeveral) {
			return results[i]
		}
	}
	for i, id := range slices.Backward(ids) { // as in CouchDB the last comes first
		if err := results[i]; err != nil {
			_, name, _ := web.Describe(err)
			fail = docjson.AppendString(append(separate(fail), `{"id":`...), string(id))
			fail = append(docjson.AppendString(append(fail, `,"error":`...), name), '}')
		} else {
			success = docjson.AppendString(append(separate(success), `{"id":`...), string(id))
			success = append(success, `,"ok":true}`...)
		}
	}
	return r.WriteRawJSON(http.StatusOK, append(append(success, fail...), "]}"...))
}

// separate appends what stands between two elements of a list.
func separate(list []byte) []byte {
	if list[len(list)-1] == '}' {
		return append(list, ',')
	}
	return list
}

var errSeveral = couch.Errorf(couch.InvalidIndex, "The design document has several indexes.")

// removeOnly takes the one index of a design document out. Several are errSeveral, by
// which CouchDB fails.
func removeOnly(r *web.Request, id couch.DocID) error {
	doc, err := web.DatabaseOf[Database](r).Get(r.Context(), id, couch.GetOptions{})
	if err != nil {
		return err
	}
	indexes := mango.Indexes(id, doc.Body.Text, false)
	switch len(indexes) {
	case 0:
		return couch.ErrNotFound
	case 1:
		return removeOne(r, id, indexes[0].Name)
	}
	return errSeveral
}
