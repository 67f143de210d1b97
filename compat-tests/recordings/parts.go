package recordings

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// partHeaders are the headers of a part that recordings keep.
var partHeaders = []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Length"}

// parseParts reads a multipart body: each part an object of its headers and,
// where it is multipart itself, its parts, else its JSON value or its bytes in
// base64. A body without its closing boundary is an error.
func parseParts(ctype string, data []byte) ([]any, error) {
	_, params, err := mime.ParseMediaType(ctype)
	if err != nil {
		return nil, err
	}
	parts := []any{}
	reader := multipart.NewReader(bytes.NewReader(data), params["boundary"])
	for {
		p, err := reader.NextRawPart()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		part, err := parsePart(p.Header, body)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
}

func parsePart(header textproto.MIMEHeader, body []byte) (map[string]any, error) {
	kept := map[string]any{}
	for _, name := range partHeaders {
		if values := header.Values(name); len(values) > 0 {
			value := strings.ToValidUTF8(values[len(values)-1], "\uFFFD")
			kept[strings.ToLower(name)] = boundary.ReplaceAllString(value, "boundary=*")
		}
	}
	part := map[string]any{"headers": kept}
	if ctype := header.Get("Content-Type"); strings.HasPrefix(ctype, "multipart/") {
		parts, err := parseParts(ctype, body)
		part["parts"] = parts
		return part, err
	}
	body = bytes.Trim(body, "\r\n")
	if v, err := decodeJSON(body); err == nil {
		part["json"] = v
	} else {
		part["base64"] = base64.StdEncoding.EncodeToString(body)
	}
	return part, nil
}
