package schema

import "settle/storage/couch"

// LeafBlobPrefix returns what the keys begin with of all documents that have a blob
// attached to a leaf.
func LeafBlobPrefix(blob couch.BlobID) []byte { return append([]byte{KindLeafBlob}, blob[:]...) }

// LeafBlobKey returns the key that says that a leaf of a document has a blob attached,
// which is not empty.
func LeafBlobKey(blob couch.BlobID, id couch.DocID) []byte {
	return append(LeafBlobPrefix(blob), id...)
}

// ParseLeafBlobKey is the reverse of LeafBlobKey; ok is false where key is none.
func ParseLeafBlobKey(key []byte) (blob couch.BlobID, id couch.DocID, ok bool) {
	begin := 1 + len(blob)
	if len(key) <= begin || key[0] != KindLeafBlob {
		return blob, "", false
	}
	return couch.BlobID(key[1:begin]), couch.DocID(key[begin:]), true
}
