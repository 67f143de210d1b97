// Package courier delivers content into databases over HTTP, as a client of
// PUT /{db}/_delivery/{id}.
package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"settle/attachments/multipart"
)

// Courier knows a server, and who delivers. It is safe for concurrent use.
type Courier struct {
	base           string // the server's URL, without a final slash
	name, password string
	client         *http.Client
}

// New returns a courier to the server at an http or https URL, which may have a name
// and a password in it; name, where it is not "", and password come before them. The
// error does not show the password.
func New(server, name, password string) (*Courier, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the server must be a URL such as https://couch.example.org")
	}
	if name == "" && u.User != nil {
		name = u.User.Username()
		password, _ = u.User.Password()
	}
	u.User = nil
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Courier{
		base: strings.TrimRight(u.String(), "/"), name: name, password: password,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Parcel is one delivery.
type Parcel struct {
	Database, ID string
	ContentType  string
	Metadata     any // made into JSON, an object; nil: none
	Content      io.Reader
	Length       int64 // of the content, in bytes; negative: not known
}

// Receipt is the document that the server has made of a delivery. New says that this
// time has made it.
type Receipt struct {
	ID  string `json:"id"`
	Rev string `json:"rev"`
	New bool   `json:"-"`
}

// Refusal is an answer of the server's other than that it has the delivery.
type Refusal struct {
	Status int    `json:"-"`
	Name   string `json:"error"`
	Reason string `json:"reason"`
}

// Error returns what the server says.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the server answers %d: %s: %s", r.Status, r.Name, r.Reason)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Deliver delivers a parcel. When it returns nil the server has it durably. The error
// is a [Refusal] where the server has answered; after any other nobody knows whether
// it has the parcel, and it may be delivered again with the same id. A server that lets
// the delivery stand still has given no answer.
func (c *Courier) Deliver(ctx context.Context, p Parcel) (Receipt, error) {
	ctx, server, end := watched(ctx)
	defer end()
	p.Content = watchedReader{p.Content, server}
	status, text, err := c.exchange(ctx, p, server)
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	if err != nil {
		return Receipt{}, err
	}
	if status != http.StatusCreated && status != http.StatusOK {
		refusal := &Refusal{Status: status}
		json.Unmarshal(text, refusal) // what is not JSON has no name and no reason
		return Receipt{}, refusal
	}
	receipt := Receipt{New: status == http.StatusCreated}
	if err := json.Unmarshal(text, &receipt); err != nil || receipt.ID == "" {
		return Receipt{}, errors.New("the server's answer is none to a delivery")
	}
	return receipt, nil
}

// exchange sends a parcel, and reads the answer of the server, which is watched.
func (c *Courier) exchange(ctx context.Context, p Parcel, server *watch) (status int, text []byte, err error) {
	req, err := c.request(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	server.answers()
	text, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, text, err
}

// request makes the request of a parcel.
func (c *Courier) request(ctx context.Context, p Parcel) (*http.Request, error) {
	body, kind, length := p.Content, p.ContentType, p.Length
	if p.Metadata != nil {
		head, tail, boundary, err := p.wrapping()
		if err != nil {
			return nil, err
		}
		body, kind = io.MultiReader(strings.NewReader(head), p.Content, strings.NewReader(tail)), multipart.ContentType("related", boundary)
		if length >= 0 {
			length += int64(len(head) + len(tail))
		}
	}
	path := strings.Join([]string{c.base, url.PathEscape(p.Database), "_delivery", url.PathEscape(p.ID)}, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, path, io.NopCloser(body))
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	if length == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", kind)
	if c.name != "" {
		req.SetBasicAuth(c.name, c.password)
	}
	return req, nil
}

// wrapping returns what stands around the content in a multipart/related body.
func (p Parcel) wrapping() (head, tail, boundary string, err error) {
	var metadata strings.Builder
	encoder := json.NewEncoder(&metadata)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p.Metadata); err != nil {
		return "", "", "", err
	}
	boundary = multipart.NewBoundary()
	kind := strings.NewReplacer("\r", "", "\n", "").Replace(p.ContentType)
	head = "--" + boundary + "\r\nContent-Type: application/json\r\n\r\n" + metadata.String() +
		"\r\n--" + boundary + "\r\nContent-Type: " + kind + "\r\n\r\n"
	return head, "\r\n--" + boundary + "--\r\n", boundary, nil
}
