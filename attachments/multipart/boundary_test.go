package multipart_test

import (
	"errors"
	"strings"
	"testing"

	"settle/attachments/multipart"
	"settle/storage/couch"
)

func TestBoundary(t *testing.T) {
	for _, tc := range []struct{ contentType, want string }{
		{`multipart/related; boundary="abc123"`, "abc123"},
		{`multipart/related;boundary=abc123`, "abc123"},
		{`multipart/related; boundary="abc123"; type="application/json"`, "abc123"},
		{`multipart/related; type="a;b=\"c"; boundary=abc`, "abc"},
		{`Multipart/Mixed ; BOUNDARY = "a b" `, "a b"},
		{`multipart/form-data; boundary==_part/1:2?`, "=_part/1:2?"},
		{`multipart/related; x; boundary=z;`, "z"},
		{`multipart/related; boundary="unclosed`, "unclosed"},
		{`multipart/related; boundary="a\"b"`, `a"b`},
	} {
		if got, err := multipart.Boundary(tc.contentType); got != tc.want || err != nil {
			t.Errorf("Boundary(%s) = %q, %v, want %q", tc.contentType, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		contentType string
		kind        couch.Kind
	}{
		{"", couch.BadContentType},
		{"application/json", couch.BadContentType},
		{"multipart/related", couch.BadRequest},
		{"multipart/related; boundary=", couch.BadRequest},
		{`multipart/related; boundary=""`, couch.BadRequest},
		{"multipart/related; boundary=\"a\r\nb\"", couch.BadRequest},
		{"multipart/related; boundary=" + strings.Repeat("x", 300), couch.BadRequest},
	} {
		if got, err := multipart.Boundary(tc.contentType); !errors.Is(err, &couch.Error{Kind: tc.kind}) {
			t.Errorf("Boundary(%s) = %q, %v, want an error of kind %d", tc.contentType, got, err, tc.kind)
		}
	}
}

func TestNewBoundary(t *testing.T) {
	a, b := multipart.NewBoundary(), multipart.NewBoundary()
	if len(a) != 32 || a == b {
		t.Errorf("NewBoundary() = %q, then %q", a, b)
	}
	if got, err := multipart.Boundary(multipart.ContentType("mixed", a)); got != a || err != nil {
		t.Errorf("Boundary(ContentType) = %q, %v, want %q", got, err, a)
	}
}

func FuzzBoundary(f *testing.F) {
	f.Add(`multipart/related; type="x\"y"; boundary="abc"`)
	f.Fuzz(func(t *testing.T, contentType string) {
		got, err := multipart.Boundary(contentType)
		if (err == nil) == (got == "") {
			t.Errorf("Boundary(%q) = %q, %v", contentType, got, err)
		}
	})
}
