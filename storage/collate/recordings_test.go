package collate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settle/storage/collate"
)

// recordings are exchanges with CouchDB 3.5.0; their form is described beside them.
const recordings = "../../compat-tests/testdata/recordings/couchdb-3.5.0"

// TestRecordedViews checks that the rows of every recorded view are in order.
func TestRecordedViews(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(recordings, "view-*.json"))
	if len(files) == 0 {
		t.Skip("no recordings")
	}
	checked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var scenario struct {
			Exchanges []struct {
				Request  struct{ Path string }
				Response struct{ JSON json.RawMessage }
			}
		}
		if err := json.Unmarshal(text, &scenario); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i, e := range scenario.Exchanges {
			var view struct {
				Rows []struct{ Key, ID json.RawMessage }
			}
			if json.Unmarshal(e.Response.JSON, &view) != nil || strings.Contains(e.Request.Path, "keys=") || !strings.Contains(e.Request.Path, "_view/") {
				continue
			}
			for j := 1; j < len(view.Rows); j++ {
				a, b := view.Rows[j-1], view.Rows[j]
				if a.Key == nil || strings.Contains(e.Request.Path, "descending=true") {
					a, b = b, a
				}
				if a.Key == nil {
					continue
				}
				checked++
				order := collate.Compare(a.Key, b.Key)
				if order > 0 || order == 0 && a.ID != nil && bytes.Compare(a.ID, b.ID) > 0 {
					t.Errorf("%s: %d: row %d: %s before %s", filepath.Base(file), i, j, a.Key, b.Key)
				}
				if keys := bytes.Compare(key(t, string(a.Key)), key(t, string(b.Key))); keys != order {
					t.Errorf("%s: %d: keys of %s and %s compare %d", filepath.Base(file), i, a.Key, b.Key, keys)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d pairs of rows checked", checked)
	}
}

// Time grows with the length of a string, whatever is in it: marks to be sorted,
// expansions, unknown characters, escapes.
func BenchmarkHostileStrings(b *testing.B) {
	for name, unit := range map[string]string{
		"marks": "\u0323\u0301", "reversed marks": "\u0301\u0323", "hebrew marks": "\u0598\u05b0\u0301", "tibetan": "\u0f71\u0f72\u0f74",
		"expansions": "\ufdfa", "hangul": "\u1112\u1161\u11ab", "late": "\U0001fae0", "ignored": "\u0001",
	} {
		for _, n := range []int{1_000, 10_000} {
			text, _ := json.Marshal("a" + strings.Repeat(unit, n))
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if _, err := collate.AppendKey(nil, text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
