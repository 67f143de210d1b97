package documents

import (
	"slices"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// readOptions are the query parameters of a document.
type readOptions struct {
	get         couch.GetOptions
	hasRev      bool // get.Rev was given, be it "0-"
	latest      bool
	attachments bool // with their content
	encodings   bool // tell how the contents of stubs are kept elsewhere

	// openRevs asks for revisions instead of the document; nil: it does not.
	openRevs *couch.OpenRevsOptions
	// attsSince names revisions whose attachments the client has; nil: not given.
	// Given, even empty, it stands for attachments too.
	attsSince []couch.RevID
	// replicated is new_edits=false: a write keeps its revision.
	replicated bool
}

// readOptionsOf reads the query parameters. Booleans count where they are "true",
// everything unknown is ignored. Errors are a BadRequest.
func readOptionsOf(q web.Query) (readOptions, error) {
	meta := q.Is("meta")
	o := readOptions{
		get: couch.GetOptions{
			Revs:             q.Is("revs"),
			RevsInfo:         q.Is("revs_info") || meta,
			Conflicts:        q.Is("conflicts") || meta,
			DeletedConflicts: q.Is("deleted_conflicts") || meta,
			LocalSeq:         q.Is("local_seq"),
			Deleted:          q.Is("deleted"),
		},
		latest:      q.Is("latest"),
		attachments: q.Is("attachments"),
		encodings:   q.Is("att_encoding_info"),
		replicated:  isReplicated(q),
	}
	return o, o.readRevisions(q)
}

// isReplicated reads new_edits: what is neither "true" nor "false" does not count.
func isReplicated(q web.Query) bool {
	for _, p := range slices.Backward(q) {
		if p.Name == "new_edits" && (p.Value == "true" || p.Value == "false") {
			return p.Value == "false"
		}
	}
	return false
}

// readRevisions reads the parameters that name revisions.
func (o *readOptions) readRevisions(q web.Query) error {
	if v, ok := q.LookupLast("rev"); ok {
		rev, err := couch.ParseRev(v)
		if err != nil {
			return err
		}
		o.get.Rev, o.hasRev = rev, true
	}
	if v, ok := q.LookupLast("atts_since"); ok {
		since, err := revList(v)
		if err != nil {
			return err
		}
		o.attsSince = append([]couch.RevID{}, since...)
		o.attachments = true
	}
	if v, ok := q.LookupLast("open_revs"); ok && v == "all" {
		o.openRevs = &couch.OpenRevsOptions{All: true, Latest: o.latest}
	} else if ok {
		revs, err := revList(v)
		if err != nil {
			return err
		}
		if len(revs) > 0 { // an empty list asks for the document
			o.openRevs = &couch.OpenRevsOptions{Revs: revs, Latest: o.latest}
		}
	}
	return nil
}

// revList reads a JSON array of revisions.
func revList(text string) ([]couch.RevID, error) {
	r := docjson.NewReader(strings.NewReader(text))
	left := budget(maxAsks)
	revs, err := readRevs(r, &left, "Invalid list of revisions")
	if err == nil {
		err = r.End()
	}
	return revs, err
}

// readRevs reads an array of revisions at which r stands. Any other JSON value is
// a BadRequest of the given reason.
func readRevs(r *docjson.Reader, left *budget, noArray string) ([]couch.RevID, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		if err := r.Skip(); err != nil { // no JSON at all
			return nil, err
		}
		return nil, couch.Errorf(couch.BadRequest, "%s", noArray)
	}
	var revs []couch.RevID
	for _, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		rev, err := readRev(r)
		if err != nil {
			return nil, err
		}
		if err := left.keep(perRev + len(rev.Hash)); err != nil {
			return nil, err
		}
		revs = append(revs, rev)
	}
	return revs, nil
}

// readRev reads the revision at which r stands.
func readRev(r *docjson.Reader) (couch.RevID, error) {
	kind, err := r.Kind()
	if err != nil {
		return couch.RevID{}, err
	}
	if kind != docjson.String {
		return couch.ParseRev("") // an invalid one
	}
	text, err := r.String()
	if err != nil {
		return couch.RevID{}, err
	}
	return couch.ParseRev(text)
}
