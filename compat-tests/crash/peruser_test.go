package crash_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// TestDatabasesOfUsers kills the server again and again while users sign up, and
// wants each who was acknowledged to have a database in the end.
func TestDatabasesOfUsers(t *testing.T) {
	s := settletest.Start(t, settletest.Options{})
	admin := client{s.AdminURL()}
	admin.must(t, http.StatusOK, "PUT", "/_node/_local/_config/chttpd_auth/iterations", `"1"`)
	admin.must(t, http.StatusOK, "PUT", "/_node/_local/_config/couch_peruser/enable", `"true"`)
	var users []string
	for range 3 {
		for range 8 {
			name := fmt.Sprintf("u%d", len(users))
			admin.must(t, http.StatusCreated, "PUT", "/_users/org.couchdb.user:"+name, account(name))
			users = append(users, name)
		}
		s.Kill()
		s.Restart()
	}
	for _, name := range users {
		awaitDatabase(t, admin, name)
		own := client{strings.Replace(s.URL(), "://", "://"+name+":pass@", 1)}
		own.must(t, http.StatusCreated, "PUT", databaseOf(name)+"/doc", `{}`)
	}
	other := client{strings.Replace(s.URL(), "://", "://u0:pass@", 1)}
	other.must(t, http.StatusForbidden, "GET", databaseOf("u1")+"/doc", "")
	admin.must(t, http.StatusOK, "PUT", "/_node/_local/_config/couch_peruser/delete_dbs", `"true"`)
	rev := admin.must(t, http.StatusOK, "GET", "/_users/org.couchdb.user:u0", "").body["_rev"].(string)
	admin.must(t, http.StatusOK, "DELETE", "/_users/org.couchdb.user:u0?rev="+rev, "")
	s.Kill()
	s.Restart()
	await(t, func() bool { return status(t, admin, databaseOf("u0")) == http.StatusNotFound })
	s.Check()
}

func account(name string) string {
	return fmt.Sprintf(`{"name":"%s","password":"pass","roles":[],"type":"user"}`, name)
}

// databaseOf returns the path of a user's database.
func databaseOf(name string) string { return fmt.Sprintf("/userdb-%x", name) }

// awaitDatabase waits until a user's database has its security object.
func awaitDatabase(t *testing.T, admin client, name string) {
	t.Helper()
	want := fmt.Sprintf(`{"members":{"roles":["_admin"],"names":["%s"]},"admins":{"roles":["_admin"],"names":["%s"]}}`, name, name)
	await(t, func() bool {
		return status(t, admin, databaseOf(name)) == http.StatusOK &&
			strings.TrimSpace(string(admin.raw(t, databaseOf(name)+"/_security"))) == want
	})
}

func status(t *testing.T, c client, path string) int {
	t.Helper()
	a, err := c.try("GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.status
}

// await waits until a condition holds, a minute at most.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
	}
}
