package layers

// Room is one row of the table: a package, with the packages below it that have
// no row of their own, and what it may import beside the standard library and
// itself.
type Room struct {
	Path     string   // within the module
	Alone    bool     // packages below it need rows of their own
	AllAbove bool     // may import every room above it
	Rooms    []string // else: the rooms that it may import; all of them stand above it
	Modules  []string // import path prefixes of other modules; "*" for any
}

// Table is the rooms from the first row down: imports point up. Reserved names
// the one room that may import a module, whatever other rows say.
type Table struct {
	Rooms    []Room
	Reserved map[string]string
}

// Any in Modules stands for every module.
const Any = "*"

// Settle is the table of this module.
func Settle() Table {
	const (
		pebble = "github.com/cockroachdb/pebble/v2"
		vfs    = pebble + "/vfs"
		echo   = "github.com/labstack/echo/v4"
		crypto = "golang.org/x/crypto"
		token  = "github.com/golang-jwt/jwt/v5"
	)
	return Table{
		Reserved: map[string]string{"modernc.org/quickjs": "storage/design"},
		Rooms: []Room{
			{Path: "storage/couch"},
			{Path: "storage/seqs"},
			{Path: "storage/docjson", Rooms: []string{"storage/couch"}},
			{Path: "storage/revtree", Rooms: []string{"storage/couch"}},
			{Path: "storage/collate", Modules: []string{"golang.org/x/text"}},
			{Path: "storage/crypt", Modules: []string{"filippo.io/age", crypto, vfs, "github.com/klauspost/compress/zstd", "golang.org/x/sys/cpu"}},
			{Path: "storage/kv", Rooms: []string{"storage/crypt"}, Modules: []string{pebble}},
			{Path: "storage/kv/kvtest", Rooms: []string{"storage/kv"}, Modules: []string{"github.com/google/go-cmp"}},
			{Path: "storage/schema", Rooms: []string{"storage/couch", "storage/revtree", "storage/crypt", "storage/kv"}},
			{Path: "storage/seqcount", Rooms: []string{"storage/couch", "storage/kv", "storage/schema"}},
			{Path: "storage/blobrefs", Rooms: []string{"storage/couch", "storage/kv", "storage/schema"}},
			{Path: "storage/leafblobs", Rooms: []string{"storage/couch", "storage/kv", "storage/schema"}},
			{Path: "storage/purges", Rooms: []string{"storage/couch", "storage/kv", "storage/schema"}},
			{Path: "storage/spool", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv", "storage/schema"}},
			{Path: "storage/background", Rooms: []string{"storage/couch", "storage/kv"}},
			{Path: "storage/indexrows", Rooms: []string{"storage/couch", "storage/kv", "storage/schema"}},
			{Path: "storage/tagkeys", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv", "storage/schema"}},
			{Path: "storage/directory", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv", "storage/schema", "storage/background"}},
			{Path: "attachments", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv"}, Modules: []string{vfs}},
			{Path: "attachments/multipart", Rooms: []string{"storage/couch"}},
			{Path: "storage/expiry", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv", "storage/schema", "attachments"}},
			{Path: "storage/edits", Rooms: []string{
				"storage/couch", "storage/docjson", "storage/revtree", "storage/crypt", "storage/kv", "storage/schema",
				"storage/seqcount", "storage/blobrefs", "storage/leafblobs", "storage/purges", "storage/spool", "attachments",
			}},
			{Path: "storage/autocompact", Rooms: []string{"storage/schema"}},
			{Path: "storage/deferred", Rooms: []string{"storage/couch", "storage/crypt", "storage/kv", "storage/schema", "storage/leafblobs", "storage/edits", "attachments"}},
			{Path: "storage/localview", Rooms: []string{"storage/couch"}},
			{Path: "storage", Alone: true, AllAbove: true, Modules: []string{vfs}},
			{Path: "storage/check", Rooms: []string{"storage/couch", "storage/revtree", "storage/crypt", "storage/kv", "storage/schema", "attachments"}, Modules: []string{vfs}},
			{Path: "storage/storagetest", AllAbove: true, Modules: []string{vfs}},
			{Path: "storage/metaview", AllAbove: true},
			{Path: "storage/design", Rooms: []string{"storage/couch"}, Modules: []string{"modernc.org/quickjs"}},
			{Path: "storage/validation", Rooms: []string{"storage/couch", "storage/docjson", "storage/design", "storage/edits", "storage"}},
			{Path: "storage/mango", Rooms: []string{"storage/couch", "storage/collate", "storage/docjson"}},
			{Path: "storage/view", AllAbove: true},
			{Path: "replication", Rooms: []string{"storage/couch", "storage/docjson", "attachments"}},
			{Path: "replication/sidetest", Rooms: []string{"storage/couch", "replication"}, Modules: []string{"github.com/google/go-cmp"}},
			{Path: "replication/remote", Rooms: []string{"storage/couch", "storage/docjson", "attachments/multipart", "replication"}, Modules: []string{"github.com/go-kivik/kivik/v4"}},
			{Path: "replication/scheduler", Rooms: []string{"replication"}},
			{Path: "server/auth", Rooms: []string{"storage/couch"}, Modules: []string{crypto, token, "filippo.io/age"}},
			{Path: "server/config", Rooms: []string{"storage/couch"}, Modules: []string{"github.com/BurntSushi/toml"}},
			{Path: "server", AllAbove: true, Modules: []string{echo, "github.com/klauspost/compress/gzip", "filippo.io/age"}},
			{Path: "server/courier", AllAbove: true, Modules: []string{"filippo.io/age"}},
			{Path: "server/mail", AllAbove: true, Modules: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-message"}},
			{Path: "cmd/settle", AllAbove: true, Modules: []string{Any}},
			{Path: "compat-tests", AllAbove: true, Modules: []string{Any}},
		},
	}
}
