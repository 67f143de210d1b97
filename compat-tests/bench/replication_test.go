package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"settle/compat-tests/settletest"
)

// BenchmarkReplicate moves documents from one server to another, which pulls or is
// pushed to, and within one, beside what the two ends of it take alone: the source's
// changes with documents, and the target's batches. MiB-source and MiB-target are the
// most memory that either server has held. SETTLE_BENCH_DOCS is the number of documents
// of a kilobyte (100,000), of those of a megabyte it is a hundredth.
func BenchmarkReplicate(b *testing.B) {
	small := size(b, "SETTLE_BENCH_DOCS", 100_000)
	for _, load := range []struct {
		name        string
		docs, bytes int
	}{{"1kB", small, 1000}, {"1MB", small / 100, 1 << 20}} {
		b.Run(load.name, func(b *testing.B) {
			source := start(b)
			source.load(load.docs, load.bytes)
			source.Stop()
			source.Restart()
			for _, way := range []string{"changes", "bulk_docs", "push", "pull", "local"} {
				b.Run(way, func(b *testing.B) {
					target := start(b)
					target.do("PUT", "/alpha", nil)
					b.SetBytes(int64(load.docs) * int64(load.bytes))
					for n := range b.N {
						source.move(b, target, way, n, load.docs, load.bytes)
					}
					b.ReportMetric(float64(load.docs)*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
					b.ReportMetric(float64(source.peak())/(1<<20), "MiB-source")
					b.ReportMetric(float64(target.peak())/(1<<20), "MiB-target")
				})
			}
		})
	}
}

// move makes one run of a way.
func (s *server) move(b *testing.B, target *server, way string, n, docs, bytes int) {
	name := fmt.Sprintf("copy-%d", n)
	remote := func(p *server, db string) object {
		return object{"url": p.URL() + "/" + db, "auth": object{"basic": object{"username": settletest.AdminName, "password": settletest.AdminPassword}}}
	}
	switch way {
	case "changes":
		s.do("GET", "/alpha/_changes?include_docs=true", nil)
	case "bulk_docs":
		target.do("PUT", "/"+name, nil)
		target.loadInto(name, docs, bytes)
	case "push":
		s.replicate(object{"source": "alpha", "target": remote(target, name), "create_target": true})
	case "pull":
		target.replicate(object{"source": remote(s, "alpha"), "target": name, "create_target": true})
	case "local":
		s.replicate(object{"source": "alpha", "target": name, "create_target": true})
		s.do("DELETE", "/"+name, nil)
	}
}

type object = map[string]any

func (s *server) replicate(o object) {
	text, err := json.Marshal(o)
	if err != nil {
		s.b.Fatal(err)
	}
	s.do("POST", "/_replicate", strings.NewReader(string(text)))
}

// load fills the database with documents of a size, whose texts compress no better than
// prose does.
func (s *server) load(docs, bytes int) {
	s.do("PUT", "/alpha", nil)
	s.loadInto("alpha", docs, bytes)
}

func (s *server) loadInto(db string, docs, bytes int) {
	prose := prose()
	for at, batch := 0, max(1, 4_000_000/bytes); at < docs; at += batch {
		var text strings.Builder
		text.WriteString(`{"docs":[`)
		for i := at; i < min(docs, at+batch); i++ {
			if i > at {
				text.WriteByte(',')
			}
			from := i * 7919 % (len(prose) - bytes)
			fmt.Fprintf(&text, `{"_id":"doc-%09d","text":"%s"}`, i, prose[from:from+bytes])
		}
		text.WriteString("]}")
		s.do("POST", "/"+db+"/_bulk_docs", strings.NewReader(text.String()))
	}
}

// prose is what documents take their texts from, made once: the making of it is not to
// be measured.
var prose = sync.OnceValue(func() string {
	rng := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < 8<<20 {
		fmt.Fprintf(&text, "%07x ", rng.Uint32()&0xfffffff)
	}
	return text.String()
})
