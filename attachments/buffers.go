package attachments

import (
	"sync"

	"settle/storage/crypt"
)

// chunkBuffer holds a chunk, sealed or not. Who writes a content works with four of them,
// those of its sums, and two and one for each file while it is compared; who reads one
// with one, and those of a range that is read ahead. That does not depend on its length.
type chunkBuffer [crypt.ChunkSize + crypt.ChunkOverhead]byte

var chunkPool = sync.Pool{New: func() any { return new(chunkBuffer) }}

func getChunk() *chunkBuffer { return chunkPool.Get().(*chunkBuffer) }
func (b *chunkBuffer) put()  { chunkPool.Put(b) }
