// Package schema says how a store lies in its engine: which partitions there are,
// the keys of their rows, and what the rows hold, byte by byte. It is pure: it
// reads and writes no rows.
//
// # Partitions
//
//	1        directory of the databases
//	2        keys: partition → the database's wrapped key (package crypt)
//	3        settings of the server: name → value
//	4        uploads: when each of them expires, see [ExpiryKey]
//	5        keys of deliveries: day, database → [SealTagKey]; see also [ErasingKey]
//	16 …     databases, their indexes, and spools of batches; a number is never
//	         used twice
//
// # Rows
//
// A key's first byte is its kind. In the directory:
//
//	c                     counter: the last partition number given out (8 bytes)
//	n name                [DBRecord]: the database exists
//	u partition           [Unready]: a database or an index is being made or dropped, or
//	                      the partition is a spool
//
// In a database:
//
//	a blob                record of a blob, and small contents (package attachments)
//	b id gen hash         body of a revision: [SealBody]
//	d id                  by-id: [DocRow]
//	e digest              receipt of a delivery: [SealReceipt]
//	f origin              how an origin of deferred contents is reached: [SealOrigin]
//	g start blob          the blob starts so (package attachments); empty
//	h digest tag          blob of a content by its MD5 and its keyed hash (package attachments)
//	i name                the database has an index: [EncodeIndexRow]
//	k                     the key of starts and of these hashes, sealed (package attachments)
//	l id                  local document: [SealLocal]
//	m                     [Meta]; without it the database is gone
//	n level block         how many rows by-seq has in a block: [SeqBlock]
//	o blob                where a deferred content is kept: [Kept]
//	p purge               purge by its number: [PurgeRow]
//	q id revs purge       purge by id and revisions, see [PurgedKey]; empty
//	r blob id gen hash    reference: the revision has the blob attached; empty
//	s seq                 by-seq: [SeqRow]
//	t hour                first update in an hour: [EncodeTimeRow]
//	u blob                upload that has not become an attachment (package attachments)
//	v blob id             a leaf of the document has the blob attached; empty
//	y                     security object, JSON text
//
// In an index, the rows that package view says, and:
//
//	0                     [IndexHead]; without it the index is gone
//
// In a spool, keys have no kind:
//
//	id n                  document n of a batch: [SealSpooled]
//
// In keys, numbers (partition, gen, seq, purge, block, hour) are 8 bytes, big-endian, level is
// one byte, blob and origin 16, start 24, and an id or a hash stands as it is. An id with something
// behind it is escaped: a zero byte becomes 00 ff, and 00 01 ends it. So the rows
// of a kind are in the order of ids, then generations.
//
// In values, uvarint and varint are as in encoding/binary, bytes is a uvarint
// length and so many bytes, and revision is gen (uvarint), hash (bytes). The first
// byte is the version of the row.
package schema
