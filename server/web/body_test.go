package web_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"settle/server/web"
)

func FuzzReadBody(f *testing.F) {
	f.Add([]byte("hello"), false, int64(3))
	f.Add(gzipped("hello"), true, int64(10))
	f.Add(gzipped("hello")[:12], true, int64(10))
	f.Fuzz(func(t *testing.T, body []byte, packed bool, max int64) {
		if max < 0 || max > 1000 {
			return
		}
		req := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		if packed {
			req.Header.Set("Content-Encoding", "gzip")
		}
		res, _ := call(func(r *web.Request) error {
			data, err := r.ReadBody(max)
			if err != nil {
				return err
			}
			if int64(len(data)) > max || len(data) > 100 {
				t.Errorf("%d bytes were read, of at most %d", len(data), max)
			}
			if !packed && !bytes.Equal(data, body) {
				t.Errorf("read %q of %q", data, body)
			}
			return r.WriteOK(200)
		}, req)
		if res.StatusCode >= 500 {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}
