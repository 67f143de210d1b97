package users_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/auth"
	"settle/server/users"
	"settle/storage/couch"
)

// same compares users with their hashes, which show nothing of themselves.
func same(a, b *auth.User) string {
	if a == nil || b == nil {
		return cmp.Diff(a == nil, b == nil)
	}
	type visible struct {
		Name, Salt string
		Roles      []string
		Hash       auth.HashFields
		Rev        couch.RevID
		Conflicted bool
	}
	see := func(u *auth.User) visible {
		roles := append([]string{}, u.Roles...)
		return visible{u.Name, u.Salt, roles, u.Hash.Fields(), u.Rev, u.Conflicted}
	}
	return cmp.Diff(see(a), see(b))
}

// TestRemembered changes accounts at random: what is remembered must be what is read.
func TestRemembered(t *testing.T) {
	b := newBench(t)
	remembered := &users.Remembered{Source: users.Source{Databases: b.store}}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for step := range 300 {
		name := string(rune('a' + rng.IntN(3)))
		id := couch.DocID("org.couchdb.user:" + name)
		doc, _ := b.db.Get(t.Context(), id, couch.GetOptions{})
		switch op := rng.IntN(6); {
		case op == 0 && doc != nil:
			if _, err := b.db.Purge(t.Context(), []couch.RevsAsk{{ID: id, Revs: []couch.RevID{doc.Rev()}}}); err != nil {
				t.Fatal(err)
			}
		case op == 1 && doc != nil:
			b.mustPut(fmt.Sprintf(`{"_id":"%s","_rev":"%s","_deleted":true}`, id, doc.Rev()))
		case op == 2:
			rev := ""
			if doc != nil {
				rev = fmt.Sprintf(`"_rev":"%s",`, doc.Rev())
			}
			b.mustPut(fmt.Sprintf(`{"_id":"%s",%s"name":"%s","type":"user","roles":["r%d"],"password":"x%d"}`, id, rev, name, rng.IntN(9), step))
		}
		for _, who := range []string{name, "b"} {
			got, err := remembered.User(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			want, err := remembered.Source.User(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			if diff := same(want, got); diff != "" {
				t.Fatalf("step %d, %s: %s", step, who, diff)
			}
		}
	}
	if err := b.store.DropDatabase(t.Context(), users.DatabaseName); err != nil {
		t.Fatal(err)
	}
	if u, err := remembered.User(t.Context(), "a"); u != nil || err != nil {
		t.Errorf("without the database: %v %v", u, err)
	}
}

// TestRememberedIsForgottenAtOnce reads a user while the document changes: a read that
// begins after a change is durable must see it.
func TestRememberedIsForgottenAtOnce(t *testing.T) {
	b := newBench(t)
	remembered := &users.Remembered{Source: users.Source{Databases: b.store}}
	b.mustPut(account("ida", `"password":"x"`))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := remembered.User(t.Context(), "ida"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 100 {
		doc, err := b.db.Get(t.Context(), "org.couchdb.user:ida", couch.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b.mustPut(fmt.Sprintf(`{"_id":"org.couchdb.user:ida","_rev":"%s","name":"ida","type":"user","roles":[]}`, doc.Rev()))
		u, err := remembered.User(t.Context(), "ida")
		if err != nil || u == nil || u.Rev.Gen != doc.Rev().Gen+1 {
			t.Fatalf("after revision %v: %+v %v", doc.Rev(), u, err)
		}
	}
	close(stop)
	readers.Wait()
}

// TestRememberedIsACopy changes what it was given.
func TestRememberedIsACopy(t *testing.T) {
	b := newBench(t)
	remembered := &users.Remembered{Source: users.Source{Databases: b.store}}
	b.mustPut(account("ida", `"password":"x"`))
	for range 3 {
		u, err := remembered.User(t.Context(), "ida")
		if err != nil || u.Name != "ida" || u.Salt == "" {
			t.Fatalf("%+v %v", u, err)
		}
		u.Name, u.Salt = "eve", ""
	}
}
