package users

import (
	"context"

	"settle/storage/couch"
)

// CreateUpload makes an upload, for administrators: anybody may sign up, and would else
// fill the disk.
func (db *Database) CreateUpload(ctx context.Context, u couch.Upload) (couch.Upload, error) {
	if !db.by.isAdmin() {
		return couch.Upload{}, errNotAdmin
	}
	return db.Database.CreateUpload(ctx, u)
}
