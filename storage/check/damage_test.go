package check_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// damage is one thing that is wrong with a store, and all that is found of it.
type damage struct {
	name string
	do   func(*store)
	want []string // in order
}

func TestDamage(t *testing.T) {
	for _, group := range [][]damage{ofTheStore, ofDocuments, ofSequences, ofRows, ofIndexes, ofPurges, ofAttachments, ofTotals} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				s := newStore(t)
				tt.do(s)
				_, found := s.check()
				if diff := cmp.Diff(tt.want, found); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

var ofTheStore = []damage{
	{"a key without a database", func(s *store) {
		p := schema.Partition(99)
		s.set(schema.KeysPartition, p[:], s.row(schema.KeysPartition, alpha[:]))
	}, []string{
		"a database key belongs to no database",
	}},
	{"a malformed key without a database", func(s *store) {
		s.set(schema.KeysPartition, alpha[:3], nil)
	}, []string{
		"a database key belongs to no database",
	}},
	{"a partition without a database", func(s *store) {
		s.set(schema.Partition(99), []byte("x"), nil)
	}, []string{
		"partition 99 belongs to no database",
	}},
	{"a database without a key", func(s *store) {
		s.remove(schema.KeysPartition, alpha[:])
	}, []string{
		"alpha: its key is missing",
	}},
	{"another database's key", func(s *store) {
		s.set(schema.KeysPartition, alpha[:], s.row(schema.KeysPartition, beta[:]))
	}, []string{
		"alpha: its key cannot be read: stored data is damaged or was changed: a database key does not authenticate",
	}},
	{"a database without rows", func(s *store) {
		if err := s.kv.Drop(context.Background(), alpha); err != nil {
			s.t.Fatal(err)
		}
	}, []string{
		"alpha: its meta row is missing",
		"partition 18 belongs to no database",
	}},
	{"a database without a row in the directory", func(s *store) {
		s.remove(schema.DirectoryPartition, schema.NameKey("alpha"))
	}, []string{
		"a database key belongs to no database",
		"partition 16 belongs to no database",
		"partition 18 belongs to no database",
	}},
	{"a row in the directory that cannot be read", func(s *store) {
		s.set(schema.DirectoryPartition, schema.NameKey("alpha"), []byte{9})
	}, []string{
		"a database key belongs to no database",
		"alpha: its directory row cannot be read",
		"partition 16 belongs to no database",
		"partition 18 belongs to no database",
	}},
	{"two names of one partition", func(s *store) {
		s.set(schema.DirectoryPartition, schema.NameKey("other"), s.row(schema.DirectoryPartition, schema.NameKey("alpha")))
	}, []string{
		`other: index "x" shares its partition with another`,
		"other: shares its partition with another database",
	}},
	{"a database in the directory's partition", func(s *store) {
		s.set(schema.DirectoryPartition, schema.NameKey("other"), schema.DBRecord{Partition: schema.DirectoryPartition}.Encode())
	}, []string{
		"other: its key is missing",
		"other: partition 1 is no database's",
	}},
	{"a stranger in the directory", func(s *store) {
		s.set(schema.DirectoryPartition, []byte("x"), nil)
	}, []string{
		"the directory has a row of no known kind",
	}},
	{"a malformed row of an unready database", func(s *store) {
		s.set(schema.DirectoryPartition, []byte{schema.KindUnready, 1}, nil)
	}, []string{
		"the directory has a row of no known kind",
	}},
	{"a counter that is behind", func(s *store) {
		s.set(schema.DirectoryPartition, schema.CounterKey(), schema.EncodeCounter(schema.FirstDatabase))
	}, []string{
		`alpha: partition 18 is none of index "x"`,
		"the directory has given out partition 17, but counts only 16",
	}},
	{"a counter that cannot be read", func(s *store) {
		s.set(schema.DirectoryPartition, schema.CounterKey(), []byte{1})
	}, []string{
		`alpha: partition 18 is none of index "x"`,
		"the directory has given out partition 17, but counts only 0",
		"the directory's counter cannot be read",
	}},
	{"nothing, but an unready database", func(s *store) {
		s.remove(schema.DirectoryPartition, schema.NameKey("alpha"))
		s.set(schema.DirectoryPartition, schema.UnreadyKey(alpha), nil)
	}, nil},
}

var ofDocuments = []damage{
	{"a document that cannot be read", func(s *store) {
		s.set(alpha, schema.DocKey("conf"), []byte{9})
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
		"alpha: a count of by-seq's rows is wrong",
		"alpha: by-seq has 3 rows for 2 documents",
		`alpha: document "conf" cannot be read: storage: bad document row`,
		"alpha: it counts 100039 active bytes, and has 100017",
		"alpha: it counts 2 documents, and has 1",
		"alpha: it counts 50 body bytes, and has 28",
		"alpha: there are 6 bodies where the documents name 4",
	}},
	{"a document without a row", func(s *store) {
		s.remove(alpha, schema.DocKey("conf"))
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
		"alpha: a count of by-seq's rows is wrong",
		"alpha: by-seq has 3 rows for 2 documents",
		"alpha: it counts 100039 active bytes, and has 100017",
		"alpha: it counts 2 documents, and has 1",
		"alpha: it counts 50 body bytes, and has 28",
		"alpha: there are 6 bodies where the documents name 4",
	}},
	{"a tree that cannot be read", func(s *store) {
		s.set(alpha, schema.DocKey("conf"), append(s.row(alpha, schema.DocKey("conf")), 0))
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
		"alpha: a count of by-seq's rows is wrong",
		"alpha: by-seq has 3 rows for 2 documents",
		`alpha: document "conf" cannot be read: storage: bad revision tree`,
		"alpha: it counts 100039 active bytes, and has 100017",
		"alpha: it counts 2 documents, and has 1",
		"alpha: it counts 50 body bytes, and has 28",
		"alpha: there are 6 bodies where the documents name 4",
	}},
	{"another winner than the tree's", func(s *store) {
		doc := s.doc("conf")
		doc.Winner.Hash = "aa"
		s.setDoc("conf", doc)
	}, []string{
		`alpha: document "conf": its row names another winner than its tree`,
	}},
	{"a deleted document that seems to be there", func(s *store) {
		doc := s.doc("gone")
		doc.Deleted = false
		s.setDoc("gone", doc)
	}, []string{
		`alpha: document "gone": its row names another winner than its tree`,
		"alpha: it counts 1 deleted documents, and has 0",
		"alpha: it counts 2 documents, and has 3",
	}},
	{"a leaf without a body", func(s *store) {
		s.setWinner("conf", func(n *revtree.Node) { n.Available = false })
	}, []string{
		`alpha: document "conf": leaf 2-bb has no body`,
		"alpha: it counts 100039 active bytes, and has 100028",
		"alpha: it counts 50 body bytes, and has 39",
		"alpha: there are 6 bodies where the documents name 5",
	}},
	{"another size than the body's", func(s *store) {
		s.setWinner("conf", func(n *revtree.Node) { n.Size++ })
	}, []string{
		`alpha: document "conf": 2-bb is not of the size that its tree says`,
		"alpha: it counts 100039 active bytes, and has 100040",
	}},
	{"no attachments where the body has some", func(s *store) {
		s.setWinner("att", func(n *revtree.Node) { n.Attachments = false })
	}, []string{
		`alpha: document "att", revision 2-* cannot be read: stored data is damaged or was changed: a sealed value of 113 bytes is longer than 9`,
		"alpha: it counts 50 body bytes, and has 43",
		"alpha: there are 2 rows of current contents where the documents name 0",
		"alpha: there are 4 references to attachments where the documents name 2",
	}},
	{"another size than the attachments'", func(s *store) {
		s.setWinner("att", func(n *revtree.Node) { n.AttSize-- })
	}, []string{
		`alpha: document "att": the attachments of 2-* are not of the size that its tree says`,
		"alpha: it counts 100003 bytes of attachments, and has 100002",
		"alpha: it counts 100039 active bytes, and has 100038",
	}},
	{"a missing body", func(s *store) {
		s.remove(alpha, schema.BodyKey("conf", couch.RevID{Gen: 2, Hash: "aa"}))
	}, []string{
		`alpha: document "conf": the body of 2-aa is missing`,
		"alpha: it counts 50 body bytes, and has 39",
		"alpha: there are 5 bodies where the documents name 6",
	}},
	{"another revision's body", func(s *store) {
		s.set(alpha, schema.BodyKey("conf", couch.RevID{Gen: 2, Hash: "aa"}),
			s.row(alpha, schema.BodyKey("conf", couch.RevID{Gen: 2, Hash: "bb"})))
	}, []string{
		`alpha: document "conf", revision 2-aa cannot be read: storage: bad body: not the one that the document names`,
		"alpha: it counts 50 body bytes, and has 39",
	}},
	{"a body that is not authentic", func(s *store) {
		key := schema.BodyKey("conf", couch.RevID{Gen: 2, Hash: "aa"})
		s.set(alpha, key, flipped(s.row(alpha, key), 30))
	}, []string{
		`alpha: document "conf", revision 2-aa cannot be read: stored data is damaged or was changed: a sealed value does not authenticate`,
		"alpha: it counts 50 body bytes, and has 39",
	}},
	{"a local document that is not authentic", func(s *store) {
		key := schema.LocalKey("_local/x")
		s.set(alpha, key, flipped(s.row(alpha, key), 30))
	}, []string{
		`alpha: local document "_local/x" cannot be read: stored data is damaged or was changed: a sealed value does not authenticate`,
	}},
	{"a local document of another name", func(s *store) {
		s.set(alpha, schema.LocalKey("_local/y"), s.row(alpha, schema.LocalKey("_local/x")))
	}, []string{
		`alpha: local document "_local/y" cannot be read: stored data is damaged or was changed: a sealed value does not authenticate`,
	}},
}

var ofSequences = []damage{
	{"a missing row of by-seq", func(s *store) {
		s.remove(alpha, schema.SeqKey(s.doc("conf").Seq))
	}, []string{
		"alpha: by-seq has 2 rows for 3 documents",
		`alpha: document "conf": by-seq does not have it at 5`,
	}},
	{"another document's row of by-seq", func(s *store) {
		s.set(alpha, schema.SeqKey(s.doc("conf").Seq), s.row(alpha, schema.SeqKey(s.doc("gone").Seq)))
	}, []string{
		`alpha: document "conf": by-seq says something else of it`,
	}},
	{"a row of by-seq without a document", func(s *store) {
		s.set(alpha, schema.SeqKey(1), s.row(alpha, schema.SeqKey(s.doc("gone").Seq)))
	}, []string{
		"alpha: by-seq has 4 rows for 3 documents",
	}},
	{"a row of by-seq that cannot be read", func(s *store) {
		s.set(alpha, schema.SeqKey(s.doc("conf").Seq), []byte{9})
	}, []string{
		"alpha: a row of by-seq cannot be read",
		`alpha: document "conf": by-seq says something else of it`,
	}},
	{"a malformed key of by-seq", func(s *store) {
		s.set(alpha, append(schema.SeqKey(1), 0), s.row(alpha, schema.SeqKey(s.doc("gone").Seq)))
	}, []string{
		"alpha: a row of by-seq cannot be read",
		"alpha: by-seq has 4 rows for 3 documents",
	}},
	{"a sequence that is yet to come", func(s *store) {
		s.setMeta(func(m *schema.Meta) { m.UpdateSeq = s.doc("gone").Seq })
	}, []string{
		`alpha: document "conf": its sequence 5 is beyond the database's 4`,
	}},
	{"a wrong count", func(s *store) {
		s.set(alpha, schema.SeqBlock{Level: 1}.Key(), schema.EncodeSeqCount(4))
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
	}},
	{"a count that cannot be read", func(s *store) {
		s.set(alpha, schema.SeqBlock{Level: 1}.Key(), []byte{0})
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
	}},
	{"a missing count", func(s *store) {
		s.remove(alpha, schema.SeqBlock{Level: 0}.Key())
	}, []string{
		"alpha: 1 counts of by-seq's rows are missing",
	}},
	{"a count too many", func(s *store) {
		s.set(alpha, schema.SeqBlock{Level: 0, N: 7}.Key(), schema.EncodeSeqCount(1))
	}, []string{
		"alpha: a count of by-seq's rows is wrong",
	}},
}

// aPurge is the one that the store remembers.
var aPurge = schema.NewPurgeRow("lost", []couch.RevID{{Gen: 1, Hash: "a"}})

var ofPurges = []damage{
	{"a purge that cannot be read", func(s *store) {
		s.set(alpha, schema.PurgeKey(1), []byte{9})
	}, []string{
		"alpha: a purge cannot be read",
	}},
	{"a purge that is not in the list", func(s *store) {
		s.remove(alpha, aPurge.PurgedKey(1))
	}, []string{
		"alpha: purge 1 is not in the list by id",
		"alpha: the list of purges by id has 0 rows for 1 purges",
	}},
	{"a purge that is only in the list", func(s *store) {
		s.remove(alpha, schema.PurgeKey(1))
	}, []string{
		"alpha: the list of purges by id has 1 rows for 0 purges",
	}},
	{"a purge of the future", func(s *store) {
		s.set(alpha, schema.PurgeKey(2), aPurge.Encode())
		s.set(alpha, aPurge.PurgedKey(2), nil)
	}, []string{
		"alpha: there is a purge 2, and the newest is 1",
	}},
	{"a malformed key of a purge", func(s *store) {
		s.set(alpha, append(aPurge.PurgedKey(1), 0), nil)
	}, []string{
		"alpha: a purge has a malformed key in the list by id",
		"alpha: the list of purges by id has 2 rows for 1 purges",
	}},
}

// anIndex is the partition of the index of alpha.
var anIndex = schema.Partition(schema.FirstDatabase + 2)

var ofIndexes = []damage{
	{"a row of an index that cannot be read", func(s *store) {
		s.set(alpha, schema.IndexKey("x"), []byte{1})
	}, []string{
		`alpha: the row of index "x" cannot be read`,
		"partition 18 belongs to no database",
	}},
	{"two indexes of one partition", func(s *store) {
		s.set(alpha, schema.IndexKey("y"), schema.EncodeIndexRow(anIndex))
	}, []string{
		`alpha: index "y" shares its partition with another`,
	}},
	{"an index that is a database", func(s *store) {
		s.set(alpha, schema.IndexKey("y"), schema.EncodeIndexRow(beta))
	}, []string{
		`alpha: index "y" shares its partition with another`,
	}},
	{"an index in the directory, and one yet to come", func(s *store) {
		s.set(alpha, schema.IndexKey("y"), schema.EncodeIndexRow(schema.DirectoryPartition))
		s.set(alpha, schema.IndexKey("z"), schema.EncodeIndexRow(schema.Partition(99)))
	}, []string{
		`alpha: index "y" does not begin with its head`,
		`alpha: index "z" does not begin with its head`,
		`alpha: partition 1 is none of index "y"`,
		`alpha: partition 99 is none of index "z"`,
	}},
	{"an index without its head", func(s *store) {
		s.remove(anIndex, schema.IndexHeadKey())
	}, []string{
		`alpha: index "x" does not begin with its head`,
	}},
	{"a row that is not the index's own", func(s *store) {
		s.set(anIndex, append(schema.IndexHeadKey(), 'k'), nil)
	}, []string{
		`alpha: index "x" has a row that is not its own`,
	}},
	{"an index that no database names", func(s *store) {
		s.remove(alpha, schema.IndexKey("x"))
	}, []string{
		"partition 18 belongs to no database",
	}},
	{"a mark that cannot be read", func(s *store) {
		s.set(schema.DirectoryPartition, schema.UnreadyKey(anIndex), []byte{9})
	}, []string{
		"the mark on partition 18 cannot be read",
	}},
	{"nothing, but an index that is marked", func(s *store) {
		s.set(schema.DirectoryPartition, schema.UnreadyKey(anIndex), schema.Unready{Database: alpha, Index: "x"}.Encode())
	}, nil},
	{"nothing, but an index of a database that is half dropped", func(s *store) {
		s.remove(schema.DirectoryPartition, schema.NameKey("alpha"))
		s.remove(alpha, schema.MetaKey())
		s.set(schema.DirectoryPartition, schema.UnreadyKey(alpha), nil)
	}, nil},
}

var ofRows = []damage{
	{"an hour that cannot be read", func(s *store) {
		s.set(alpha, schema.TimeKey(1), []byte{9})
	}, []string{
		"alpha: the row of an hour cannot be read",
	}},
	{"an hour yet to come", func(s *store) {
		s.set(alpha, schema.TimeKey(1), schema.EncodeTimeRow(99))
	}, []string{
		"alpha: an hour began with the sequence 99, and the newest is 7",
	}},
	{"a body that no tree names", func(s *store) {
		s.set(alpha, schema.BodyKey("conf", couch.RevID{Gen: 3, Hash: "aa"}), nil)
	}, []string{
		"alpha: there are 7 bodies where the documents name 6",
	}},
	{"a malformed key of a body", func(s *store) {
		s.set(alpha, []byte{schema.KindBody, 'x'}, nil)
	}, []string{
		"alpha: a body has a malformed key",
		"alpha: there are 7 bodies where the documents name 6",
	}},
	{"a reference that no body names", func(s *store) {
		blob := couch.BlobID(s.blob(false).Key[1:])
		s.set(alpha, schema.RefKey(blob, "conf", couch.RevID{Gen: 2, Hash: "aa"}), nil)
	}, []string{
		"alpha: there are 5 references to attachments where the documents name 4",
	}},
	{"a malformed key of a reference", func(s *store) {
		s.set(alpha, []byte{schema.KindRef, 'x'}, nil)
	}, []string{
		"alpha: a reference to an attachment has a malformed key",
		"alpha: there are 5 references to attachments where the documents name 4",
	}},
	{"a missing reference", func(s *store) {
		s.remove(alpha, schema.RefKey(couch.BlobID(s.blob(false).Key[1:]), "att", s.doc("att").Winner))
	}, []string{
		`alpha: document "att": 2-* has no reference to its attachment "small"`,
		"alpha: there are 3 references to attachments where the documents name 4",
	}},
	{"a blob of a leaf that is not listed", func(s *store) {
		s.remove(alpha, schema.LeafBlobKey(couch.BlobID(s.blob(false).Key[1:]), "att"))
	}, []string{
		`alpha: document "att": 1 of its current contents are not listed`,
		"alpha: it counts 100003 bytes of current contents, and has 100000",
		"alpha: there are 1 rows of current contents where the documents name 2",
	}},
	{"a blob that is listed for a document without it", func(s *store) {
		s.set(alpha, schema.LeafBlobKey(couch.BlobID(s.blob(false).Key[1:]), "conf"), nil)
	}, []string{
		"alpha: there are 3 rows of current contents where the documents name 2",
	}},
	{"a malformed key of a blob of a leaf", func(s *store) {
		s.set(alpha, []byte{schema.KindLeafBlob, 'x'}, nil)
	}, []string{
		"alpha: a row of current contents has a malformed key",
		"alpha: there are 3 rows of current contents where the documents name 2",
	}},
	{"strangers", func(s *store) {
		s.set(alpha, []byte("A"), nil)
		s.set(alpha, []byte("cx"), nil)
		s.set(alpha, []byte("mx"), nil)
		s.set(alpha, []byte("z"), nil)
	}, []string{
		"alpha: it has a row of no known kind",
		"alpha: it has a row of no known kind",
		"alpha: it has a row of no known kind",
		"alpha: it has a row of no known kind",
	}},
	{"a meta row that cannot be read", func(s *store) {
		s.set(alpha, schema.MetaKey(), []byte{9})
	}, []string{
		"alpha: its meta row cannot be read: storage: bad meta row",
	}},
}

var ofAttachments = []damage{
	{"a missing blob", func(s *store) {
		s.remove(alpha, s.blob(false).Key)
	}, []string{
		"alpha: a row of equal contents names another blob, or none",
		`alpha: document "att": the blob of 1-*'s attachment "small" is missing`,
		`alpha: document "att": the blob of 2-*'s attachment "small" is missing`,
		"alpha: it counts 100003 blob bytes, and has 100000",
		"alpha: it counts 100003 bytes of current contents, and has 100000",
		"alpha: there are 1 blobs where the documents name 2",
		"alpha: there are 2 rows of equal contents for 1 blobs",
	}},
	{"a missing file", func(s *store) {
		if err := s.fs.Remove(s.blobFile(s.blob(true))); err != nil {
			s.t.Fatal(err)
		}
	}, []string{
		"alpha: blob *: attachments: the file of a blob is missing",
	}},
	{"a blob that is not authentic", func(s *store) {
		row := s.blob(false)
		s.set(alpha, row.Key, flipped(row.Value, len(row.Value)-1))
	}, []string{
		"alpha: blob *: stored data is damaged or was changed: a sealed value does not authenticate",
		"alpha: it counts 100003 blob bytes, and has 100000",
		"alpha: it counts 100003 bytes of current contents, and has 100000",
	}},
	{"a blob that no document has", func(s *store) {
		s.set(alpha, append([]byte{schema.KindBlob}, make([]byte, 16)...), s.blob(false).Value)
	}, []string{
		"alpha: blob *: stored data is damaged or was changed: a sealed value does not authenticate",
		"alpha: there are 2 rows of equal contents for 3 blobs",
		"alpha: there are 3 blobs where the documents name 2",
	}},
	{"a blob of another name", func(s *store) {
		s.set(alpha, s.blob(false).Key, s.blob(true).Value)
	}, []string{
		"alpha: a row of equal contents names another blob, or none",
		"alpha: blob *: stored data is damaged or was changed: a sealed value does not authenticate",
		"alpha: it counts 100003 blob bytes, and has 100000",
		"alpha: it counts 100003 bytes of current contents, and has 100000",
		"alpha: there are 1 rows of how contents start for 2 blobs",
	}},
	{"a row of another start", func(s *store) {
		row := s.rows(alpha, schema.KindStart)[0]
		s.remove(alpha, row.Key)
		s.set(alpha, flipped(row.Key, 1), nil)
	}, []string{
		"alpha: a row of how contents start names another blob, or none",
	}},
	{"a start that is not found", func(s *store) {
		s.remove(alpha, s.rows(alpha, schema.KindStart)[0].Key)
	}, []string{
		"alpha: there are 0 rows of how contents start for 1 blobs",
	}},
	{"a body that says another length of its attachment", func(s *store) {
		s.forgeAttachment(func(a *couch.Attachment) { a.Length = 4 })
	}, []string{
		`alpha: document "att": the attachments of 2-* are not of the size that its tree says`,
		`alpha: document "att": the blob of 2-*'s attachment "small" has another length or digest`,
	}},
	{"a body that says another digest of its attachment", func(s *store) {
		s.forgeAttachment(func(a *couch.Attachment) { a.Digest[0]++ })
	}, []string{
		`alpha: document "att": the blob of 2-*'s attachment "small" has another length or digest`,
	}},
}

var ofTotals = []damage{
	{"wrong totals", func(s *store) {
		s.setMeta(func(m *schema.Meta) {
			m.DocCount++
			m.DeletedCount--
			m.ActiveBytes += 2
			m.BodyBytes -= 2
			m.Blobs += 3
			m.BlobBytes -= 3
			m.LeafBlobBytes += 4
			m.Uploads++
			m.UploadBytes += 6
		})
	}, []string{
		"alpha: it counts 0 deleted documents, and has 1",
		"alpha: it counts 1 uploads, and has 0",
		"alpha: it counts 100000 blob bytes, and has 100003",
		"alpha: it counts 100007 bytes of current contents, and has 100003",
		"alpha: it counts 100041 active bytes, and has 100039",
		"alpha: it counts 3 documents, and has 2",
		"alpha: it counts 48 body bytes, and has 50",
		"alpha: it counts 5 blobs, and has 2",
		"alpha: it counts 6 bytes of uploads, and has 0",
	}},
}

// flipped returns a copy with a bit changed.
func flipped(row []byte, at int) []byte {
	row = bytes.Clone(row)
	row[at] ^= 1
	return row
}

// forgeAttachment writes the winner of "att" in alpha anew, with a change of its
// first attachment, as a store would that has a mistake.
func (s *store) forgeAttachment(change func(*couch.Attachment)) {
	s.t.Helper()
	key, err := s.keyring.OpenDatabaseKey(crypt.DatabaseID(alpha), s.row(schema.KeysPartition, alpha[:]))
	if err != nil {
		s.t.Fatal(err)
	}
	rev, node, _ := s.doc("att").Tree.Winner()
	body, err := schema.OpenBody(key, s.row(alpha, schema.BodyKey("att", rev)), "att", rev, node)
	if err != nil {
		s.t.Fatal(err)
	}
	change(&body.Attachments[0])
	sealed := schema.SealBody(key, &couch.Document{ID: "att", Attachments: body.Attachments, Body: couch.Body{Text: body.Text}}, rev)
	s.set(alpha, schema.BodyKey("att", rev), sealed)
	s.setWinner("att", func(n *revtree.Node) { n.Tag = crypt.Tag(sealed) })
}
