package schema

import "settle/storage/couch"

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
	return m.Quota().Admits(m.UploadBytes + uploadBytes(u))
}

// RemoveUpload counts an upload no more.
func (m *Meta) RemoveUpload(u couch.Upload) {
	m.Uploads--
	m.UploadBytes -= uploadBytes(u)
}

func uploadBytes(u couch.Upload) int64 { return u.Length + int64(len(u.Metadata)) }
