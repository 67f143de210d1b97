package recordings

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// HeadLimit bounds the wait for an answer's head, and the repetition of an exchange.
	// A server that shares its machine may be slow.
	HeadLimit = time.Minute
	// bodyLimit bounds the wait for an answer's body. What has come of it by then is
	// the answer.
	bodyLimit = time.Minute
)

// client sends requests to one server, each on a connection of its own, with
// the request target and the headers exactly as given: net/http would clean
// paths, follow redirects and ask for gzip.
type client struct {
	host  string // HOST:PORT
	admin string // user:password
}

// newClient takes the server's address, with the admin's credentials in it.
func newClient(server string) (*client, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" || u.Host == "" || u.User == nil {
		return nil, fmt.Errorf("the server's address must look like http://admin:pass@127.0.0.1:5984")
	}
	password, _ := u.User.Password()
	return &client{host: u.Host, admin: u.User.Username() + ":" + password}, nil
}

// address is the server's address without credentials.
func (c *client) address() string { return "http://" + c.host }

// reply is an answer as it came.
type reply struct {
	status  int
	headers http.Header
	body    []byte
}

// send does one exchange. The body is nil where none is sent.
func (c *client) send(r *Request, body []byte) (*reply, error) {
	conn, err := net.DialTimeout("tcp", c.host, HeadLimit)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(HeadLimit)); err != nil {
		return nil, err
	}
	// A server may answer and close before it has read the whole body, so a
	// failed write alone decides nothing.
	_, writeErr := conn.Write(append(c.head(r, body), body...))
	in := bufio.NewReader(conn)
	resp, err := finalResponse(in, r.Method)
	if err != nil {
		return nil, errors.Join(writeErr, err)
	}
	defer resp.Body.Close()
	if err := conn.SetDeadline(time.Now().Add(bodyLimit)); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil && !isTimeout(err) {
		return nil, fmt.Errorf("the answer's body ends early: %w", err)
	}
	return &reply{status: resp.StatusCode, headers: resp.Header, body: data}, nil
}

// finalResponse reads past interim (1xx) answers.
func finalResponse(in *bufio.Reader, method string) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil || resp.StatusCode >= 200 {
			return resp, err
		}
	}
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// head is the request up to and including the empty line.
func (c *client) head(r *Request, body []byte) []byte {
	headers := map[string]string{}
	given := map[string]bool{}
	for name, value := range r.Headers {
		given[strings.ToLower(name)] = true
		if value != nil {
			headers[name] = *value
		}
	}
	add := func(name, value string) {
		if !given[strings.ToLower(name)] {
			headers[name] = value
		}
	}
	if auth := c.credentials(r.Auth); auth != "" && !given["cookie"] {
		add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(auth)))
	}
	if body != nil {
		add("Content-Type", "application/json")
	}
	add("Accept", "application/json")
	if (body != nil || r.Method == "PUT" || r.Method == "POST") && !given["transfer-encoding"] {
		add("Content-Length", strconv.Itoa(len(body)))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.Path, c.host)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&out, "%s: %s\r\n", name, headers[name])
	}
	out.WriteString("\r\n")
	return out.Bytes()
}

// credentials are user:password for a recorded auth; "" for none.
func (c *client) credentials(auth string) string {
	switch auth {
	case "admin", "":
		return c.admin
	case "anonymous":
		return ""
	default:
		return auth
	}
}

// bodyOf is a request's body as sent; nil where it has none.
func bodyOf(r *Request, vars *variables) ([]byte, error) {
	switch {
	case r.JSON != nil:
		return vars.fillJSON(r.JSON)
	case r.Text != nil && r.Gzip:
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		if _, err := io.WriteString(zip, vars.fill(*r.Text)); err != nil {
			return nil, err
		}
		err := zip.Close()
		return out.Bytes(), err
	case r.Text != nil:
		return []byte(vars.fill(*r.Text)), nil
	case r.Base64 != nil:
		return base64.StdEncoding.DecodeString(vars.fill(*r.Base64))
	default:
		return nil, nil
	}
}

// filled is the request with the variables in its strings replaced; the body is bodyOf's.
func (r *Request) filled(vars *variables) *Request {
	out := &Request{Method: r.Method, Path: vars.fill(r.Path), Auth: vars.fill(r.Auth), Headers: map[string]*string{}}
	for name, value := range r.Headers {
		if value != nil {
			text := vars.fill(*value)
			value = &text
		}
		out.Headers[vars.fill(name)] = value
	}
	return out
}
