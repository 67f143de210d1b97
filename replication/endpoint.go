package replication

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Endpoint says where a database is, and as whom to use it. It prints without
// credentials.
type Endpoint struct {
	Name string // of a local database; counts where URL is empty
	URL  string // of a remote one: http or https, without credentials, with a final slash

	User, Password string // empty: none
	Headers        []Header
	Proxy          string // URL; empty: none
	proxyShown     string // Proxy without credentials
}

// Header is a header to send with every request.
type Header struct{ Name, Value string }

// IsLocal reports whether the database is one of this server.
func (e *Endpoint) IsLocal() bool { return e.URL == "" }

// String returns where the database is.
func (e *Endpoint) String() string {
	if e.IsLocal() {
		return e.Name
	}
	return e.URL
}

// GoString is String: nothing prints the credentials.
func (e *Endpoint) GoString() string { return e.String() }

// ShownProxy returns the proxy without its credentials, "" for none.
func (e *Endpoint) ShownProxy() string { return e.proxyShown }

// endpointObject is an endpoint in its long form.
type endpointObject struct {
	URL     json.RawMessage `json:"url"`
	Headers map[string]any  `json:"headers"`
	Auth    struct {
		Basic *struct {
			Username string `json:"username"`
			Password string `json:"password"`
		} `json:"basic"`
	} `json:"auth"`
}

// ErrBadURL is the error of an endpoint that names no place.
var ErrBadURL = &Error{Kind: Invalid, Reason: "endpoint has an invalid url"}

// parseEndpoint reads a source or a target: a URL or name, or an object that has one
// as its url. The error is Invalid.
func parseEndpoint(text []byte, proxy string) (Endpoint, error) {
	var e Endpoint
	var o endpointObject
	where := json.RawMessage(text)
	if len(text) > 0 && text[0] == '{' {
		if json.Unmarshal(text, &o) != nil {
			return e, Errorf(Invalid, "endpoint is malformed")
		}
		where = o.URL
	}
	if len(where) == 0 || strings.ContainsAny(string(where[:1]), "{[ntf") {
		return e, ErrBadURL
	}
	var name string
	if json.Unmarshal(where, &name) != nil {
		name = string(where) // a number: CouchDB takes it for a name
	}
	if err := e.setAddress(name); err != nil {
		return e, err
	}
	if err := e.setHeaders(o.Headers); err != nil {
		return e, err
	}
	if b := o.Auth.Basic; b != nil {
		e.User, e.Password = b.Username, b.Password
	}
	return e, e.setProxy(proxy)
}

func (e *Endpoint) setAddress(name string) error {
	if !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		e.Name = name
		return nil
	}
	u, err := url.Parse(name)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return ErrBadURL
	}
	if u.User != nil {
		e.User = u.User.Username()
		e.Password, _ = u.User.Password()
		u.User = nil
	}
	e.URL = strings.TrimRight(u.String(), "/") + "/"
	return nil
}

// setHeaders takes over the headers, in order of their names. An Authorization with
// name and password becomes those.
func (e *Endpoint) setHeaders(headers map[string]any) error {
	for name, v := range headers {
		value, ok := v.(string)
		if !ok || !isHeaderName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return Errorf(Invalid, "endpoint has invalid headers")
		}
		if user, password, ok := basicAuth(name, value); ok {
			if e.User == "" {
				e.User, e.Password = user, password
			}
			continue
		}
		e.Headers = append(e.Headers, Header{name, value})
	}
	slices.SortFunc(e.Headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func isHeaderName(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != "" && textproto.CanonicalMIMEHeaderKey(s) != "Host"
}

func basicAuth(name, value string) (user, password string, ok bool) {
	if !strings.EqualFold(name, "Authorization") {
		return "", "", false
	}
	r := http.Request{Header: http.Header{"Authorization": {value}}}
	return r.BasicAuth()
}

func (e *Endpoint) setProxy(proxy string) error {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return Errorf(Invalid, "the proxy has an invalid url")
	}
	e.Proxy = proxy
	u.User = nil
	e.proxyShown = u.String()
	return nil
}

// BasicAuth returns the Authorization header of the name and password.
func (e *Endpoint) BasicAuth() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(e.User+":"+e.Password))
}
