package design

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	var s string
	switch name {
	case "stop":
	case "code":
		if r.Code, err = strconv.Atoi(string(value)); err != nil || r.Code < 200 || r.Code > 999 {
			return badResponse(name, value)
		}
		r.HasCode = true
	case "json":
		r.Body, r.ContentType = value, jsonType
	case "body":
		if json.Unmarshal(value, &s) != nil {
			return badResponse(name, value)
		}
		r.Body, r.ContentType = []byte(s), textType
	case "base64":
		if json.Unmarshal(value, &s) != nil {
			return badResponse(name, value)
		}
		if r.Body, err = base64.StdEncoding.DecodeString(s); err != nil {
			return badResponse(name, value)
		}
		r.ContentType = binaryType
	case "headers":
		r.Header, err = parseHeader(value)
	default:
		return badResponse(name, value)
	}
	return err
}

// parseHeader reads an object of header fields. Values that are no strings,
// numbers or booleans are left out.
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
		case float64, bool:
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
