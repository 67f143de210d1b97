package schema_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/schema"
)

// Uploads need room for their contents, and for what they say of themselves; and there
// are not too many.
func TestAdmitUpload(t *testing.T) {
	four, seven := couch.Upload{Length: 4}, couch.Upload{Length: 3, Metadata: "meta"}
	for _, tc := range []struct {
		name    string
		meta    schema.Meta
		upload  couch.Upload
		refused bool
	}{
		{"no quota", schema.Meta{UploadBytes: 100}, seven, false},
		{"room", schema.Meta{MaxBytes: 11 + 1, UploadBytes: 4}, seven, false},
		{"no room", schema.Meta{MaxBytes: 10 + 1, UploadBytes: 4}, seven, true},
		{"beside the documents", schema.Meta{MaxBytes: 10 + 1, ActiveBytes: 7}, four, true},
		{"sums that overflow", schema.Meta{UploadBytes: 1 << 61}, couch.Upload{Length: 1<<62 - 1}, true},
		{"one more", schema.Meta{Uploads: schema.MaxUploads - 1}, four, false},
		{"one too many", schema.Meta{Uploads: schema.MaxUploads}, couch.Upload{}, true},
	} {
		if err := tc.meta.AdmitUpload(tc.upload); errors.Is(err, couch.ErrOverQuota) != tc.refused {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
