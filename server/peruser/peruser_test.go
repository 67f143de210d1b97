package peruser_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
	"settle/server/peruser"
	"settle/server/users"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/storagetest"
)

// bench is a real store in memory, with accounts and a configuration.
type bench struct {
	t      *testing.T
	store  *storage.Store
	config *config.Config
	log    *log
}

// log keeps what is logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, store: storagetest.Open(t), log: &log{}}
	if err := users.Create(t.Context(), b.store); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.config, err = config.Open(t.Context(), b.store); err != nil {
		t.Fatal(err)
	}
	return b
}

// follow starts a Follower, which ends with the test or by the function returned.
func (b *bench) follow() (end func()) {
	f := peruser.Start(peruser.Options{Store: b.store, Config: b.config, Logger: slog.New(slog.NewTextHandler(b.log, nil))})
	end = sync.OnceFunc(f.Close)
	b.t.Cleanup(end)
	return end
}

func (b *bench) set(id config.ID, value string) {
	b.t.Helper()
	if _, err := b.config.Set(b.t.Context(), id, value, false); err != nil {
		b.t.Fatal(err)
	}
}

// put writes users' documents.
func (b *bench) put(names ...string) {
	for _, name := range names {
		b.write(name, `{"type":"user"}`, false)
	}
}

// remove deletes users' documents.
func (b *bench) remove(names ...string) {
	for _, name := range names {
		b.write(name, `{}`, true)
	}
}

func (b *bench) write(name, text string, deleted bool) {
	b.t.Helper()
	ctx := b.t.Context()
	db, err := b.store.Database(ctx, users.DatabaseName)
	if err != nil {
		b.t.Fatal(err)
	}
	term, err := docjson.Term([]byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	doc := &couch.Document{ID: couch.DocID("org.couchdb.user:" + name), Deleted: deleted, Body: couch.Body{Text: []byte(text), Term: term}}
	if old, err := db.Get(ctx, doc.ID, couch.GetOptions{}); err == nil {
		doc.Revisions = old.Revisions
	}
	results, err := db.BulkDocs(ctx, one(doc))
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
}

func one(doc *couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) { yield(doc, nil) }
}

// databases returns the security objects by database, of all but the system's.
func (b *bench) databases() map[string]string {
	b.t.Helper()
	ctx, found := b.t.Context(), map[string]string{}
	for name, err := range b.store.Databases(ctx, storage.NameRange{Limit: -1}) {
		if err != nil {
			b.t.Fatal(err)
		}
		if strings.HasPrefix(name, "_") {
			continue
		}
		db, err := b.store.Database(ctx, name)
		if errors.Is(err, couch.ErrDatabaseMissing) {
			continue // dropped since
		}
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := db.Security(ctx)
		if err != nil && !errors.Is(err, couch.ErrDatabaseMissing) {
			b.t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}

// await waits until the databases are those.
func (b *bench) await(want map[string]string) {
	b.t.Helper()
	var diff string
	for range 6000 {
		if diff = cmp.Diff(want, b.databases()); diff == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("the databases (-want +got):\n%s\nlogged:\n%s", diff, b.log)
}

// of returns the security object of a user's database.
func of(user string) string {
	return fmt.Sprintf(`{"members":{"roles":["_admin"],"names":["%s"]},"admins":{"roles":["_admin"],"names":["%s"]}}`, user, user)
}

const ofNobody = `{"members":{"roles":["_admin"],"names":[]},"admins":{"roles":["_admin"],"names":[]}}`

func TestDatabasesComeAndGo(t *testing.T) {
	b := newBench(t)
	b.follow()
	b.put("before")
	time.Sleep(50 * time.Millisecond)
	if got := b.databases(); len(got) > 0 {
		t.Fatalf("made while it is switched off: %v", got)
	}
	b.set(config.PerUserEnable, "true")
	b.await(map[string]string{"userdb-6265666f7265": of("before")})
	b.put("jan", "É")
	b.await(map[string]string{"userdb-6265666f7265": of("before"), "userdb-6a616e": of("jan"), "userdb-c389": of("É")})
	b.remove("jan")
	b.await(map[string]string{"userdb-6265666f7265": of("before"), "userdb-6a616e": ofNobody, "userdb-c389": of("É")})
	b.set(config.PerUserDeleteDBs, "true") // counts for those who went before, too
	b.await(map[string]string{"userdb-6265666f7265": of("before"), "userdb-c389": of("É")})
	b.put("jan")
	b.remove("before")
	b.await(map[string]string{"userdb-6a616e": of("jan"), "userdb-c389": of("É")})
	b.set(config.PerUserEnable, "false")
	b.put("late")
	b.remove("jan")
	time.Sleep(50 * time.Millisecond)
	if diff := cmp.Diff(map[string]string{"userdb-6a616e": of("jan"), "userdb-c389": of("É")}, b.databases()); diff != "" {
		t.Errorf("switched off (-want +got):\n%s", diff)
	}
	b.set(config.PerUserEnable, "true")
	b.await(map[string]string{"userdb-6c617465": of("late"), "userdb-c389": of("É")})
}

func TestPrefix(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserEnable, "true")
	b.set(config.PerUserDatabasePrefix, "notes/of$")
	b.follow()
	b.put("jan")
	b.await(map[string]string{"notes/of$6a616e": of("jan")})
	b.set(config.PerUserDatabasePrefix, "u")
	b.await(map[string]string{"notes/of$6a616e": of("jan"), "u6a616e": of("jan")})
}

// TestNamesStayApart has names that one digit per small byte would bring together.
func TestNamesStayApart(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserEnable, "true")
	b.follow()
	b.put("a", "\x06\x01")
	b.await(map[string]string{"userdb-61": of("a"), "userdb-0601": of(`\u0006\u0001`)})
}

func TestOtherDocumentsMakeNone(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserEnable, "true")
	b.follow()
	long := strings.Repeat("l", 200)
	b.put("", long, "jan")
	b.await(map[string]string{"userdb-6a616e": of("jan")})
	if text := b.log.String(); !strings.Contains(text, "too long") || strings.Contains(text, long[:20]) {
		t.Errorf("logged: %s", text)
	}
}

// TestPositionIsKept wants a new start to handle what came meanwhile, and nothing
// else: what an administrator has changed since stays so.
func TestPositionIsKept(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserEnable, "true")
	end := b.follow()
	b.put("ann", "bob")
	b.await(map[string]string{"userdb-616e6e": of("ann"), "userdb-626f62": of("bob")})
	b.awaitPosition()
	end()
	if err := b.store.DropDatabase(t.Context(), "userdb-616e6e"); err != nil {
		t.Fatal(err)
	}
	b.remove("bob")
	b.put("cyd")
	b.follow()
	b.await(map[string]string{"userdb-626f62": ofNobody, "userdb-637964": of("cyd")})
	b.put("ann") // whose document changes
	b.await(map[string]string{"userdb-616e6e": of("ann"), "userdb-626f62": ofNobody, "userdb-637964": of("cyd")})
}

// awaitPosition waits until all changes are behind the position.
func (b *bench) awaitPosition() {
	b.t.Helper()
	db, err := b.store.Database(b.t.Context(), users.DatabaseName)
	if err != nil {
		b.t.Fatal(err)
	}
	last, err := db.UpdateSeq(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for range 6000 {
		text, err := b.store.Setting(b.t.Context(), "couch_peruser")
		if err != nil {
			b.t.Fatal(err)
		}
		if strings.Contains(string(text), db.FormatSeq(last)) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatal("the position was not kept")
}

// TestHalfDone begins anew from every state that a crash can leave.
func TestHalfDone(t *testing.T) {
	for name, prepare := range map[string]func(b *bench){
		"nothing was done":       func(*bench) {},
		"without security":       func(b *bench) { b.create("userdb-6a616e", "") },
		"the position is behind": func(b *bench) { b.create("userdb-6a616e", of("jan")) },
		"the position is damaged": func(b *bench) {
			if err := b.store.SetSetting(b.t.Context(), "couch_peruser", []byte(`{"prefix":"userdb-","since":"x"}`)); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put("jan", "gone")
			b.remove("gone")
			prepare(b)
			b.set(config.PerUserEnable, "true")
			b.follow()
			b.await(map[string]string{"userdb-6a616e": of("jan")})
		})
	}
}

func (b *bench) create(name, security string) {
	b.t.Helper()
	db, err := b.store.CreateDatabase(b.t.Context(), name, storage.CreateOptions{})
	if err == nil && security != "" {
		err = db.SetSecurity(b.t.Context(), []byte(security))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestAccountsMadeAnew drops the database of accounts while it is followed.
func TestAccountsMadeAnew(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserEnable, "true")
	b.follow()
	b.put("ann", "bob")
	b.await(map[string]string{"userdb-616e6e": of("ann"), "userdb-626f62": of("bob")})
	if err := b.store.DropDatabase(t.Context(), users.DatabaseName); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := users.Create(t.Context(), b.store); err != nil {
		t.Fatal(err)
	}
	b.put("cyd")
	b.await(map[string]string{"userdb-616e6e": of("ann"), "userdb-626f62": of("bob"), "userdb-637964": of("cyd")})
	if text := b.log.String(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

// TestManyUsers goes over several portions, with databases dropped meanwhile.
func TestManyUsers(t *testing.T) {
	b := newBench(t)
	b.set(config.PerUserDeleteDBs, "true")
	want := map[string]string{}
	for i := range 230 {
		name := fmt.Sprintf("u%03d", i)
		b.put(name)
		want[fmt.Sprintf("userdb-%x", name)] = of(name)
	}
	b.set(config.PerUserEnable, "true")
	b.follow()
	for i := range 30 {
		name := fmt.Sprintf("u%03d", i*7)
		b.remove(name)
		delete(want, fmt.Sprintf("userdb-%x", name))
	}
	b.await(want)
}

func TestCloseEndsAtOnce(t *testing.T) {
	b := newBench(t)
	for range 20 {
		b.set(config.PerUserEnable, "true")
		end := b.follow()
		b.put(fmt.Sprint(time.Now().UnixNano()))
		end()
	}
	if text := b.log.String(); text != "" {
		t.Errorf("logged: %s", text)
	}
}
