package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Info describes the database as it is now.
func (db *Database) Info(ctx context.Context) (couch.DatabaseInfo, error) {
	var info couch.DatabaseInfo
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		info = couch.DatabaseInfo{
			Name:             db.name,
			Incarnation:      db.rec.Incarnation,
			UpdateSeq:        m.UpdateSeq,
			PurgeSeq:         m.PurgeSeq,
			DocCount:         m.DocCount,
			DeletedCount:     m.DeletedCount,
			Sizes:            couch.Sizes{Active: m.ActiveBytes, External: m.ActiveBytes, File: m.BodyBytes + m.BlobBytes},
			Partitioned:      db.rec.Partitioned,
			InstanceStart:    db.rec.Created,
			CompactRunning:   db.store.tasks.Has(db.rec.Partition),
			RevsLimit:        int(m.RevsLimit),
			AttachmentsCount: m.Blobs,
		}
		return nil
	})
	return info, err
}

// UpdateSeq returns the sequence of the newest update.
func (db *Database) UpdateSeq(ctx context.Context) (couch.Seq, error) {
	var seq couch.Seq
	err := db.view(ctx, func(_ kv.Reader, m *schema.Meta) error {
		seq = m.UpdateSeq
		return nil
	})
	return seq, err
}
