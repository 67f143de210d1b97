package attacks_test

import "testing"

// TestRequestsOfStrangers makes every protected request plainly, as anonymous and
// as somebody who has an account and nothing else.
func TestRequestsOfStrangers(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, p := range []person{anonymous, eve} {
		var attempts []attempt
		for _, a := range protected() {
			attempts = append(attempts, a.as(p, a.header()...))
		}
		f.refused(attempts...)
	}
	for _, p := range []person{bob, boss} { // who have rights, but not these
		var attempts []attempt
		for _, a := range ofServer {
			if p != bob || a.path != "/_users/org.couchdb.user:bob" && a.path != "/_users/org.couchdb.user:bob?open_revs=all&attachments=true" {
				attempts = append(attempts, a.as(p, a.header()...))
			}
		}
		f.refused(attempts...)
	}
}

// TestMembersAreNoAdministrators wants a member to change documents only.
func TestMembersAreNoAdministrators(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	for _, a := range []ask{
		{"DELETE", "/vault", ""},
		{"PUT", "/vault/_design/stolen", `{}`},
		{"PUT", "/vault/_design%2Fstolen", `{}`},
		{"PUT", "/vault/%5fdesign/stolen", `{}`},
		{"POST", "/vault", `{"_id":"_design/stolen"}`},
		{"POST", "/vault/_bulk_docs?x", `{"docs":[{"_id":"_design/stolen"}],"new_edits":"x"}`},
		{"PUT", "/vault/gold", `{"_id":"_design/stolen"}`},
		{"COPY", "/vault/gold", ""},
		{"PUT", "/vault/_design/d/a.txt", `x`},
		{"PUT", "/vault/_security", `{"admins":{"names":["bob"]}}`},
		{"PUT", "/vault/_revs_limit", `1`},
		{"PUT", "/vault/_purged_infos_limit", `1`},
		{"POST", "/vault/_compact", ``},
		{"POST", "/vault/_index", `{"index":{"fields":["a"]}}`},
		{"PUT", "/_metadata/vault/_design/stolen", `{}`},
		{"PUT", "/_metadata/vault/_security", `{}`},
	} {
		f.refused(attempt{a.method + " " + a.path, request(a.method, a.path, a.body,
			append(bob.headers(), "Content-Type: application/json", "Destination: _design/stolen")...)})
	}
	// of a batch each is refused alone
	f.harmless(
		ask{"POST", "/vault/_bulk_docs", `{"docs":[{"_id":"_design/stolen"}]}`}.as(bob),
		ask{"POST", "/vault/_bulk_docs", `{"docs":[{"_id":"_design/stolen","_rev":"1-a"}],"new_edits":false}`}.as(bob),
		ask{"POST", "/_metadata/vault/_bulk_docs", `{"docs":[{"_id":"_design/stolen"}]}`}.as(bob),
	)
}
