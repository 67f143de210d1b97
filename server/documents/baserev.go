package documents

import (
	"strings"

	"settle/storage/couch"
)

var errRevAndETag = &couch.Error{Kind: couch.BadRequest, Reason: "Document rev and etag have different values"}

// baseRevisions returns the path of the revision that a write is about. It may
// be named in the document, as given, in the query's rev, and in If-Match; where
// several are, they must agree. Without any the path is empty.
func (r request) baseRevisions(given couch.Revisions) (couch.Revisions, error) {
	inQuery, err := r.queryRev()
	if err != nil {
		return couch.Revisions{}, err
	}
	if len(given.Hashes) == 0 {
		rev, err := r.headerRev(inQuery)
		if err != nil || rev == nil {
			return couch.Revisions{}, err
		}
		return pathTo(*rev), nil
	}
	leaf := given.Leaf()
	if inQuery != nil && *inQuery != leaf {
		return couch.Revisions{}, couch.Errorf(couch.BadRequest, "Document rev from request body and query string have different values")
	}
	_, err = r.headerRev(&leaf)
	return given, err
}

// pathTo returns the path of one revision alone.
func pathTo(rev couch.RevID) couch.Revisions {
	return couch.Revisions{Start: rev.Gen, Hashes: []string{rev.Hash}}
}

// queryRev returns the revision in the query, nil where there is none.
func (r request) queryRev() (*couch.RevID, error) {
	text, ok := r.Query().Lookup("rev")
	if !ok {
		return nil, nil
	}
	rev, err := couch.ParseRev(text)
	return &rev, err
}

// headerRev returns the revision in If-Match, which must be the explicit one
// where both are given; nil where none is.
func (r request) headerRev(explicit *couch.RevID) (*couch.RevID, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return explicit, nil
	}
	rev, err := couch.ParseRev(strings.Trim(values[0], `"`))
	if err != nil {
		return nil, err
	}
	if explicit != nil && *explicit != rev {
		return nil, errRevAndETag
	}
	return &rev, nil
}

// errInvalidRev says what couch.ParseRev says.
var errInvalidRev = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid rev format"}
