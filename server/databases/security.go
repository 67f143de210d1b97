package databases

import (
	"bytes"
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// defaultSecurity is the security object of a database that was never given one.
const defaultSecurity = `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`

// maxSecurity bounds a security object, in bytes.
const maxSecurity = 1 << 20

func getSecurity(r *web.Request) error {
	text, err := web.DatabaseOf[Database](r).Security(r.Context())
	if err != nil {
		return err
	}
	if text == nil {
		text = []byte(defaultSecurity)
	}
	return r.WriteRawJSON(http.StatusOK, text)
}

func putSecurity(r *web.Request) error {
	body, err := r.ReadBody(maxSecurity)
	if err != nil {
		return err
	}
	reader := docjson.NewReader(bytes.NewReader(body))
	text, err := reader.Value()
	if err == nil {
		err = reader.End()
	}
	if err == nil {
		err = checkSecurity(text)
	}
	if err != nil {
		return err
	}
	if err := web.DatabaseOf[Database](r).SetSecurity(r.Context(), text); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}

// checkSecurity checks that a security object is an object, whose admins and
// members (readers is the old name) have lists of strings as names and roles.
// Other members may be anything.
func checkSecurity(text []byte) error {
	r := docjson.NewReader(bytes.NewReader(text))
	if err := requireObject(r); err != nil {
		return err
	}
	for group, err := range r.Members() {
		if err != nil {
			return err
		}
		switch group {
		case "admins", "members", "readers":
			if err := checkGroup(r, group); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkGroup(r *docjson.Reader, group string) error {
	if kind, err := r.Kind(); err != nil || kind != docjson.Object {
		return couch.Errorf(couch.BadRequest, "`%s` of a security object must be an object", group)
	}
	for list, err := range r.Members() {
		if err != nil {
			return err
		}
		if list != "names" && list != "roles" {
			continue
		}
		if err := checkStrings(r); err != nil {
			return couch.Errorf(couch.BadRequest, "`%s` of `%s` must be a list of strings", list, group)
		}
	}
	return nil
}

func checkStrings(r *docjson.Reader) error {
	for _, err := range r.Elements() {
		if err != nil {
			return err
		}
		if _, err := r.String(); err != nil {
			return err
		}
	}
	return nil
}
