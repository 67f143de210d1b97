package node

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"settle/server/config"
	"settle/server/web"
	"settle/storage/couch"
)

// getUUIDs makes as many ids as asked for.
func (h *handlers) getUUIDs(r *web.Request) error {
	count := 1
	if text, ok := r.Query().Lookup("count"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return couch.Errorf(couch.BadRequest, "count must be a positive integer")
		}
		count = n
	}
	if int64(count) > h.config.Int(config.UUIDMaxCount) {
		return couch.Errorf(couch.BadRequest, "count parameter too large")
	}
	made := struct {
		UUIDs []string `json:"uuids"`
	}{make([]string, count)}
	algorithm, suffix := h.config.Get(config.UUIDAlgorithm), h.config.Get(config.UUIDUTCSuffix)
	for i := range made.UUIDs {
		made.UUIDs[i] = h.uuids.next(algorithm, suffix)
	}
	r.Response.Header().Set("Cache-Control", "no-cache")
	r.Response.Header().Set("Pragma", "no-cache")
	r.SetETag(randomHex(16)) // no two answers are the same
	return r.WriteJSON(http.StatusOK, made)
}

// generator makes ids by CouchDB's algorithms. It is safe for concurrent use.
type generator struct {
	mu      sync.Mutex
	prefix  string // of sequential ids: 26 hexadecimal digits
	counter int    // of sequential ids: the last six
}

// next returns an id by the named algorithm; suffix is for "utc_id".
func (g *generator) next(algorithm, suffix string) string {
	switch algorithm {
	case "random":
		return randomHex(16)
	case "utc_random":
		return microseconds() + randomHex(9)
	case "utc_id":
		return microseconds() + suffix
	default:
		return g.sequential()
	}
}

// maxCounter is where sequential ids get a new prefix.
const maxCounter = 0xfff000

// sequential returns ids that grow by small random steps, so that those that
// are made together are stored together.
func (g *generator) sequential() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.prefix == "" || g.counter >= maxCounter {
		g.prefix, g.counter = randomHex(13), randomStep()
	}
	id := g.prefix + fmt.Sprintf("%06x", g.counter)
	g.counter += randomStep()
	return id
}

// randomStep returns a number from 1 to 4094.
func randomStep() int {
	var raw [2]byte
	rand.Read(raw[:])
	return 1 + (int(raw[0])<<8|int(raw[1]))%0xffe
}

// randomHex returns n random bytes in hexadecimal.
func randomHex(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// microseconds returns the time since 1970 in 14 hexadecimal digits.
func microseconds() string { return fmt.Sprintf("%014x", time.Now().UnixMicro()) }
