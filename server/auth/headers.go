package auth

import "cmp"

// The headers of proxies where the configuration names no others.
const (
	proxyName  = "X-Auth-CouchDB-UserName"
	proxyRoles = "X-Auth-CouchDB-Roles"
	proxyToken = "X-Auth-CouchDB-Token"
)

// ProxyHeaders returns the names of the headers by which a proxy says who makes a
// request, as the configuration has them at the moment.
func (a *Auth) ProxyHeaders() []string {
	p := a.policy().Proxy
	return []string{cmp.Or(p.NameHeader, proxyName), cmp.Or(p.RolesHeader, proxyRoles), cmp.Or(p.TokenHeader, proxyToken)}
}
