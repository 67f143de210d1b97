package auth

import (
	"encoding/base64"
	"net/http"
	"strings"

	"settle/storage/couch"
)

var errBase64 = &couch.Error{Kind: couch.BadRequest, Reason: "Authorization header has invalid base64 value"}

// byBasic reads a name and password from the Authorization header.
type byBasic struct{ auth *Auth }

// authenticate leaves to others what is not Basic. A text without a colon counts
// as no log-in, as in CouchDB; so does the pair "_" and "_".
func (b byBasic) authenticate(req *http.Request) (Session, error) {
	c, ok, err := parseBasic(req.Header.Get("Authorization"))
	if err != nil || !ok {
		return Session{}, err
	}
	found, err := b.auth.verify(req, c.Name, c.Password)
	if err != nil {
		return Session{}, err
	}
	if found.totp != nil { // there is no place for a second factor
		return Session{}, errWrong
	}
	return found.session(handlerDefault), nil
}

// parseBasic returns the pair that a header brings; ok is false where there is
// none. The error is a BadRequest.
func parseBasic(header string) (c Credentials, ok bool, err error) {
	encoded, ok := strings.CutPrefix(header, "Basic ")
	if !ok {
		return Credentials{}, false, nil
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return Credentials{}, false, errBase64
	}
	name, password, ok := strings.Cut(string(text), ":")
	if !ok || name == "_" && password == "_" {
		return Credentials{}, false, nil
	}
	return Credentials{Name: name, Password: password}, true, nil
}
