package replication_test

import "testing"

// A plus sign in an id or in an attachment's name is no space on the way.
func TestPlusSigns(t *testing.T) {
	a, b := start(t), start(t)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	b.must("PUT", "/z", nil, nil)
	attachments := object{"c+d e": object{"content_type": "text/plain", "data": "aGVsbG8="}, "c d+e": object{"content_type": "text/plain", "data": ""}}
	for _, id := range []string{"a+b", "a b", "_design/a+b"} {
		a.must("PUT", "/x/"+escape(id), object{"_attachments": attachments, "is": id}, nil)
	}
	for _, o := range []outcome{b.replicate(endpoint(a.URL(), "x"), "y"), b.replicate("y", endpoint(b.URL(), "z"))} {
		if !o.OK || o.History[0].Written != 3 {
			t.Fatalf("%+v", o)
		}
	}
	agree(t, a, "x", b, "y")
	agree(t, a, "x", b, "z")
}
