package replication_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// A target whose quota is used up is told of as such: to who asks for a replication, and
// by the scheduler of a document's.
func TestFullTargetIsNamed(t *testing.T) {
	p := start(t)
	content := base64.StdEncoding.EncodeToString(make([]byte, 100_000))
	for name, doc := range map[string]object{
		"plain":    {"text": "more than is allowed"},
		"attached": {"_attachments": object{"a": object{"content_type": "image/png", "data": content}}},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := name, name+"-full"
			p.must("PUT", "/"+from, nil, nil)
			p.must("PUT", "/"+from+"/doc", doc, nil)
			p.must("PUT", "/"+to, nil, nil)
			p.must("PUT", "/"+to+"/_quota", object{"max_bytes": 10}, nil)
			for side, target := range map[string]any{"by HTTP": endpoint(p.URL(), to), "in process": to} {
				var o outcome
				status := p.ask("POST", "/_replicate", object{"source": from, "target": target}, &o)
				if status != 507 || o.Error != "insufficient_storage" || !strings.Contains(o.Reason, to) || !strings.Contains(o.Reason, "quota is used up") {
					t.Errorf("%s: %d %s: %s", side, status, o.Error, o.Reason)
				}
			}
			p.must("PUT", "/_replicator/"+name, object{"source": endpoint(p.URL(), from), "target": endpoint(p.URL(), to)}, nil)
			eventually(t, "the job crashes, and says why", func() bool {
				var row struct {
					State string
					Info  struct{ Error string }
				}
				p.must("GET", "/_scheduler/docs/_replicator/"+name, nil, &row)
				return row.State == "crashing" && strings.HasPrefix(row.Info.Error, "insufficient_storage: ") && strings.Contains(row.Info.Error, "quota is used up")
			})
		})
	}
}
