package attachments

import (
	"sync"

	"settle/storage/crypt"
)

// chunkBuffer holds a chunk, sealed or not. An upload works with three of them
// and a download with one, however long the content is.
type chunkBuffer [crypt.ChunkSize + crypt.ChunkOverhead]byte

var chunkPool = sync.Pool{New: func() any { return new(chunkBuffer) }}

func getChunk() *chunkBuffer { return chunkPool.Get().(*chunkBuffer) }
func (b *chunkBuffer) put()  { chunkPool.Put(b) }
