package databases

import (
	"bytes"
	"net/http"

	"settle/server/auth"
	"settle/server/web"
	"settle/storage/docjson"
)

// maxSecurity bounds a security object, in bytes.
const maxSecurity = 1 << 20

func getSecurity(r *web.Request) error {
	text, err := web.DatabaseOf[Database](r).Security(r.Context())
	if err != nil {
		return err
	}
	if text == nil {
		text = []byte(auth.DefaultSecurity)
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

// checkSecurity returns what is wrong with a security object.
func checkSecurity(text []byte) error {
	security, err := auth.ParseSecurity(text)
	if err != nil {
		return err
	}
	return security.CheckRecipients()
}
