package server

import "settle/server/web"

// Routes returns the routes of every family, for tests that try all of them.
func Routes(o Options) []web.Route {
	var all []web.Route
	for _, table := range New(o).tables(o, o.Store, nil) {
		all = append(all, table...)
	}
	return all
}
