package storage

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Info describes the database as it is now.
func (db *Database) Info(ctx context.Context) (couch.DatabaseInfo, error) {
	var info couch.DatabaseInfo
	err := db.view(ctx, func(_ kv.Reader, m *meta) error {
		info = couch.DatabaseInfo{
			Name:             db.name,
			Incarnation:      db.rec.incarnation,
			UpdateSeq:        m.updateSeq,
			PurgeSeq:         m.purgeSeq,
			DocCount:         m.docs,
			DeletedCount:     m.deleted,
			Sizes:            couch.Sizes{Active: m.activeBytes, External: m.activeBytes, File: m.bodyBytes + m.blobBytes},
			Partitioned:      db.rec.partitioned,
			InstanceStart:    db.rec.created,
			CompactRunning:   db.store.compacting.has(db.rec.partition),
			RevsLimit:        int(m.revsLimit),
			AttachmentsCount: m.blobs,
		}
		return nil
	})
	return info, err
}

// UpdateSeq returns the sequence of the newest update.
func (db *Database) UpdateSeq(ctx context.Context) (couch.Seq, error) {
	var seq couch.Seq
	err := db.view(ctx, func(_ kv.Reader, m *meta) error {
		seq = m.updateSeq
		return nil
	})
	return seq, err
}
