package design

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Response is what a show or update function answers with. Source of the members'
// meaning and defaults: couch_httpd_external:parse_external_response.
type Response struct {
	Code int // from 200 on; 200 where the function gives none
	// HasCode says that the function gives Code.
	HasCode bool
	Header  []HeaderField
	Body    []byte
	// ContentType is for an answer without a Content-Type among Header.
	ContentType string
	// IsJSON says that Body is a value that the function gave as `json`, which counts
	// for more than a body.
	IsJSON bool
}

// HeaderField is one field of a response's header.
type HeaderField struct{ Name, Value string }

const (
	textType   = "text/html; charset=utf-8"
	jsonType   = "application/json"
	binaryType = "application/binary"
)

// parseResponse reads a response object. The error is an *Error,
// external_response_error.
func parseResponse(text []byte) (Response, error) {
	members, err := parseObject(text)
	if err != nil {
		return Response{}, badResponse("response", text)
	}
	return parseMembers(members)
}

func parseMembers(members object) (Response, error) {
	r := Response{Code: 200, ContentType: jsonType}
	for _, m := range members {
		if err := r.set(m.name, m.value); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r *Response) set(name string, value json.RawMessage) (err error) {
	switch name {
	case "stop":
	case "code":
		if r.Code, err = strconv.Atoi(string(value)); err != nil || r.Code < 200 || r.Code > 999 {
			return badResponse(name, value)
		}
		r.HasCode = true
	case "json":
		r.Body, r.IsJSON, r.ContentType = append(slices.Clip(value), '\n'), true, jsonType
	case "body", "base64":
		return r.setBody(name, value)
	case "headers":
		r.Header, err = parseHeader(value)
	default:
		return badResponse(name, value)
	}
	return err
}

func (r *Response) setBody(name string, value json.RawMessage) (err error) {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return badResponse(name, value)
	}
	body := []byte(text)
	r.ContentType = textType
	if name == "base64" {
		r.ContentType = binaryType
		if body, err = base64.StdEncoding.DecodeString(text); err != nil {
			return badResponse(name, value)
		}
	}
	if !r.IsJSON {
		r.Body = body
	}
	return nil
}

// parseHeader reads an object of header fields. Arrays and objects are left out.
func parseHeader(text []byte) ([]HeaderField, error) {
	if isNull(text) {
		return nil, nil
	}
	members, err := parseObject(text)
	if err != nil {
		return nil, badResponse("headers", text)
	}
	var fields []HeaderField
	for _, m := range members {
		var value any
		if json.Unmarshal(m.value, &value) != nil {
			continue
		}
		switch value := value.(type) {
		case string:
			fields = append(fields, HeaderField{m.name, value})
		case float64, bool, nil:
			fields = append(fields, HeaderField{m.name, string(m.value)})
		}
	}
	return fields, nil
}

func badResponse(name string, value []byte) error {
	const most = 200
	if len(value) > most {
		value = value[:most]
	}
	return newError("external_response_error", fmt.Sprintf("Invalid data from external server: {%q, %s}", name, value))
}
