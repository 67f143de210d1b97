package auth

import (
	"cmp"
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"strings"

	"settle/storage/couch"
)

// byProxy believes the headers of a proxy that authenticates users itself. With
// Proxy.UseSecret the proxy must send, in hexadecimal, the HMAC of the name under
// the secret that signs cookies; without, every client is believed.
type byProxy struct{ auth *Auth }

// authenticate counts a request with a wrong token as one without headers.
func (b byProxy) authenticate(req *http.Request) (Session, error) {
	policy := b.auth.policy()
	p := policy.Proxy
	name := req.Header.Get(cmp.Or(p.NameHeader, proxyName))
	if name == "" {
		return Session{}, nil
	}
	token := req.Header.Get(cmp.Or(p.TokenHeader, proxyToken))
	if p.UseSecret && !validProxyToken(token, name, b.auth.sharedSecret(), policy.hashAlgorithms()) {
		return Session{}, nil
	}
	roles := splitRoles(req.Header.Get(cmp.Or(p.RolesHeader, proxyRoles)))
	return Session{User: couch.UserCtx{Name: name, Roles: roles}, Handler: handlerProxy}, nil
}

func validProxyToken(token, name string, secret []byte, algorithms []string) bool {
	given, err := hex.DecodeString(token)
	if err != nil {
		return false
	}
	for _, algorithm := range algorithms {
		mac := hmac.New(digests[algorithm], secret)
		mac.Write([]byte(name))
		if hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// splitRoles reads a list of roles between commas, with or without spaces.
func splitRoles(list string) []string {
	var roles []string
	for role := range strings.SplitSeq(list, ",") {
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}
