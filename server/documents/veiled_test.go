package documents_test

import (
	"context"
	"testing"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// veiled shows one document only.
type veiled struct {
	*storage.Database
	shown couch.DocID
}

func (v veiled) MayRead(id couch.DocID) error {
	if id != v.shown {
		return couch.ErrNotFound
	}
	return nil
}

// Where one document is not to be seen _bulk_get has nothing, whether it is there or
// not.
func TestBulkGetOfVeiled(t *testing.T) {
	b := newBench(t)
	b.play(step{do: "PUT /db/own", body: `{"v":1}`, status: 201}, step{do: "PUT /db/other", body: `{"v":1}`, status: 201})
	b.handler = b.handlerOver(func(context.Context, string) (web.Database, error) { return veiled{b.db, "own"}, nil })
	refused := func(id, rev string) string {
		return `{"id":"` + id + `","docs":[{"error":{"rev":"` + rev + `","reason":"not_found","id":"` + id + `","error":"internal_fabric_error"}}]}`
	}
	bad := `{"id":"bad","docs":[{"error":{"rev":"x","reason":"Invalid rev format","id":"bad","error":"bad_request"}}]}`
	b.play(
		step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"own"},{"id":"bad","rev":"x"}]}`, status: 200,
			want: `{"results":[{"id":"own","docs":[{"ok":{"_id":"own","_rev":"` + rev1 + `","v":1}}]},` + bad + `]}`},
		step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"own"},{"id":"other","rev":"1-x"},{"id":"bad","rev":"x"}]}`, status: 200,
			want: `{"results":[` + refused("own", "undefined") + `,` + refused("other", "1-x") + `,` + bad + `]}`},
		step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"none"}]}`, status: 200, want: `{"results":[` + refused("none", "undefined") + `]}`},
		step{do: "POST /db/_bulk_get", header: "Accept: multipart/mixed", body: `{"docs":[{"id":"other"}]}`, status: 200,
			has: []string{`"error":"internal_fabric_error"`}},
	)
}
