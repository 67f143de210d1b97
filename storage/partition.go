package storage

import (
	"context"
	"strings"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// errReservedID refuses what is no id of a document that replicates: local documents
// have rows, and methods, of their own.
var errReservedID = &couch.Error{Kind: couch.IllegalDocID, Reason: "Only reserved document ids may start with underscore."}

// validateID checks the id of a document that is to be written.
func (db *Database) validateID(id couch.DocID) error {
	switch {
	case strings.HasPrefix(string(id), "_") && !id.IsDesign():
		return errReservedID
	case db.rec.Partitioned:
		return id.ValidatePartitioned()
	}
	return nil
}

// PartitionInfo counts the documents of a partition, which is empty where no
// document is in it. It reads all of them, in pages. Errors: IllegalPartition, and
// a BadRequest where the database has no partitions.
func (db *Database) PartitionInfo(ctx context.Context, name string) (couch.PartitionInfo, error) {
	if !db.rec.Partitioned {
		return couch.PartitionInfo{}, couch.Errorf(couch.BadRequest, "database is not partitioned")
	}
	if err := couch.ValidatePartition(name); err != nil {
		return couch.PartitionInfo{}, err
	}
	var counted schema.Meta
	first := schema.DocKey(couch.DocID(name + ":"))
	for row, err := range kv.Pages(ctx, db.reader, kv.Range{Lo: first, Hi: schema.PrefixEnd(first)}) {
		var doc *schema.DocRow
		if err == nil {
			doc, err = schema.DecodeDocRow(row.Value)
		}
		if err != nil {
			return couch.PartitionInfo{}, err
		}
		*counted.Counter(doc.Deleted)++
		counted.ActiveBytes += schema.ActiveBytes(doc.Tree)
	}
	return couch.PartitionInfo{
		Name: name, DocCount: counted.DocCount, DeletedCount: counted.DeletedCount,
		Sizes: couch.Sizes{Active: counted.ActiveBytes, External: counted.ActiveBytes},
	}, nil
}
