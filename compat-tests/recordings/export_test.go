package recordings

import (
	"encoding/json"
	"net/http"
)

// ParseBody and FillJSON give the fuzz targets what Play does to a body.

func ParseBody(ctype string, data []byte) (Form, any) {
	return parseBody(http.Header{"Content-Type": {ctype}}, data, false)
}

func FillJSON(raw json.RawMessage) ([]byte, error) {
	return newVariables("http://HOST").fillJSON(raw)
}
