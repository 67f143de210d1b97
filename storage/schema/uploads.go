package schema

import (
	"math"

	"settle/storage/couch"
)

// MaxUploads bounds the uploads of a database that no document has used.
const MaxUploads = 10_000

// AddUpload counts a new upload.
func (m *Meta) AddUpload(u couch.Upload) {
	m.Uploads++
	m.UploadBytes += uploadBytes(u)
}

// AdmitUpload returns an OverQuota where the quota has no room for a new upload beside
// the others, or there are too many.
func (m *Meta) AdmitUpload(u couch.Upload) error {
	if m.Uploads >= MaxUploads {
		return couch.Errorf(couch.OverQuota, "The database has %d uploads that no document has used.", MaxUploads)
	}
	bytes := uploadBytes(u)
	if bytes > math.MaxInt64/2-m.UploadBytes { // so that no sum of a quota overflows
		return couch.Errorf(couch.OverQuota, "The database has no room for the upload.")
	}
	return m.Quota().Admits(m.UploadBytes + bytes)
}

// RemoveUpload counts an upload no more.
func (m *Meta) RemoveUpload(u couch.Upload) {
	m.Uploads--
	m.UploadBytes -= uploadBytes(u)
}

func uploadBytes(u couch.Upload) int64 { return u.Length + int64(len(u.Metadata)) }
