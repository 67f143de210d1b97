package documents_test

import "testing"

// Without a partition nobody can say where a document of a partitioned database is,
// not even to read it.
func TestIDsWithoutPartition(t *testing.T) {
	b := newBench(t)
	const refused = `{"error":"illegal_docid","reason":"Doc id must be of form partition:id"}`
	b.play(step{do: "PUT /parts/p:a", body: `{}`, status: 201})
	for _, do := range []string{
		"GET /parts/a", "GET /parts/a?open_revs=all", "DELETE /parts/a?rev=1-x", "GET /parts/a/att", "DELETE /parts/a/att?rev=1-x",
		"PUT /parts/a/att", "COPY /parts/a",
	} {
		b.play(step{do: do, header: "Destination: p:b", status: 400, want: refused})
	}
	b.play(
		step{do: "COPY /parts/p:a", header: "Destination: b", status: 400, want: refused},
		step{do: "PUT /parts/a", body: `{}`, status: 400, want: refused},
		step{do: "POST /parts", body: `{}`, status: 400, want: refused},
		step{do: "POST /parts/_revs_diff", body: `{"p:a":["9-x"],"a":["1-x"]}`, status: 400, want: refused},
		step{do: "POST /parts/_missing_revs", body: `{"a":[]}`, status: 400, want: refused},
		step{do: "POST /parts/_bulk_get", body: `{"docs":[{"id":"a","rev":"1-x"},{"id":"p:c"}]}`, status: 200, has: []string{
			`"id":"a","docs":[{"error":{"rev":null,"reason":"Doc id must be of form partition:id","id":"a","error":"illegal_docid"}}]`,
			`"id":"p:c","docs":[{"error":{"rev":"undefined","reason":"missing"`,
		}},
		step{do: "GET /parts/:a", status: 404},
		step{do: "GET /parts/_a", status: 404},
		step{do: "GET /parts/_design/a", status: 404},
		step{do: "GET /parts/_local/a", status: 404},
		step{do: "GET /db/a", status: 404},
		step{do: "POST /db/_revs_diff", body: `{"a":["1-x"]}`, status: 200, want: `{"a":{"missing":["1-x"]}}`},
	)
}
