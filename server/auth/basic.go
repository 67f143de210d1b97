package auth

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// byBasic reads the Authorization header. What is not Basic, or has no colon,
// counts as no log-in, as in CouchDB; so does the pair "_" and "_".
func (a *Auth) byBasic(req *http.Request) (Session, error) {
	encoded, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Basic ")
	if !ok {
		return Session{}, nil
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return Session{}, errBase64
	}
	name, password, ok := strings.Cut(string(text), ":")
	if !ok || name == "_" && password == "_" {
		return Session{}, nil
	}
	if err := a.login(req.Context(), name, password); err != nil {
		return Session{}, err
	}
	return newSession(name, "default"), nil
}
