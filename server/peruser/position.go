package peruser

import (
	"context"
	"encoding/json"

	"settle/storage"
	"settle/storage/couch"
)

// positionKey is the setting that holds the position: a JSON object of type
// position. It is there while users' databases are made.
const positionKey = "couch_peruser"

// position says which changes of `_users` have been handled, and how.
type position struct {
	Prefix    string `json:"prefix"`
	DeleteDBs bool   `json:"delete_dbs"`
	Since     string `json:"since"` // as the database prints sequences
}

// position returns the sequence up to which the changes have been handled under
// these settings: 0 under others, or in another incarnation of the database.
func (f *Follower) position(ctx context.Context, db *storage.Database, s settings) (couch.Seq, error) {
	text, err := f.Store.Setting(ctx, positionKey)
	if err != nil || text == nil {
		return 0, err
	}
	var p position
	if json.Unmarshal(text, &p) != nil || p.Prefix != s.prefix || p.DeleteDBs != s.deleteDBs {
		return 0, nil
	}
	last, err := db.UpdateSeq(ctx)
	if err != nil {
		return 0, err
	}
	since, err := couch.ParseSeq(p.Since, db.Incarnation(), last)
	if err != nil {
		return 0, nil // handling a change twice does no harm
	}
	return since, nil
}

// keepPosition stores the position durably.
func (f *Follower) keepPosition(ctx context.Context, db *storage.Database, s settings, since couch.Seq) error {
	text, err := json.Marshal(position{Prefix: s.prefix, DeleteDBs: s.deleteDBs, Since: db.FormatSeq(since)})
	if err != nil {
		return err
	}
	return f.Store.SetSetting(ctx, positionKey, text)
}

// forgetPosition makes the following begin anew when it is switched on again.
func (f *Follower) forgetPosition(ctx context.Context) error {
	text, err := f.Store.Setting(ctx, positionKey)
	if err != nil || text == nil {
		return err
	}
	return f.Store.SetSetting(ctx, positionKey, nil)
}
