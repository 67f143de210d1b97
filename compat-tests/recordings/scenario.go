package recordings

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Scenario is one recorded file: exchanges that build on each other, and the
// databases that they need.
type Scenario struct {
	Name         string     `json:"name"`
	About        string     `json:"about"`
	RecordedFrom string     `json:"recorded_from"`
	Databases    []string   `json:"databases"` // deleted and created before the first exchange, deleted after the last
	Absent       []string   `json:"absent"`    // deleted before and after, never created
	Exchanges    []Exchange `json:"exchanges"`
}

// Exchange is one step: a request, the awaiting of a request sent to the
// background before, or a pause.
type Exchange struct {
	Request    *Request          `json:"request"`
	Save       map[string]string `json:"save"`       // variable name -> place in the JSON answer, or "cookie"
	Background string            `json:"background"` // the request is left running under this name
	Await      string            `json:"await"`      // this step holds the answer of that background request
	Until      *Until            `json:"until"`
	Raw        bool              `json:"raw"`   // the body is compared as text
	Sleep      float64           `json:"sleep"` // seconds
	Response   *Recorded         `json:"response"`
	Volatile   []string          `json:"volatile"` // places of which only the JSON type counts
}

// Request is a request as recorded; strings may hold ${name} variables.
type Request struct {
	Method  string             `json:"method"`
	Path    string             `json:"path"`
	Headers map[string]*string `json:"headers"` // nil: the header is left out
	Auth    string             `json:"auth"`    // admin, anonymous or user:password
	JSON    json.RawMessage    `json:"json"`
	Text    *string            `json:"text"`
	Gzip    bool               `json:"gzip"` // Text is sent gzipped
	Base64  *string            `json:"base64"`
}

// Until is a place in a JSON answer and the value it must come to hold.
type Until struct {
	Place string
	Value any
}

// UnmarshalJSON reads the form [place, value].
func (u *Until) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if len(raw) != 2 {
		return fmt.Errorf("until: want [place, value], have %d items", len(raw))
	}
	if err := json.Unmarshal(raw[0], &u.Place); err != nil {
		return err
	}
	v, err := decodeJSON(raw[1])
	u.Value = v
	return err
}

// Recorded is CouchDB's answer: a status, the headers that were kept, and the
// body in exactly one form.
type Recorded struct {
	Status  int
	Headers map[string]string
	Form    Form
	Body    any
}

// UnmarshalJSON reads status, headers and the one member named like a [Form].
func (r *Recorded) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if err := json.Unmarshal(members["status"], &r.Status); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if err := json.Unmarshal(members["headers"], &r.Headers); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	for _, form := range forms {
		raw, ok := members[string(form)]
		if !ok {
			continue
		}
		if r.Form != "" {
			return fmt.Errorf("a body both as %s and as %s", r.Form, form)
		}
		v, err := decodeJSON(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", form, err)
		}
		r.Form, r.Body = form, v
	}
	if r.Form == "" {
		return fmt.Errorf("no body in a known form")
	}
	return nil
}

// Load reads every scenario of the named folders of fsys, in the order of
// folders and file names. Two scenarios of one name are an error.
func Load(fsys fs.FS, folders ...string) ([]*Scenario, error) {
	var all []*Scenario
	seen := map[string]string{}
	for _, folder := range folders {
		names, err := fs.Glob(fsys, path.Join(folder, "*.json"))
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("no recordings in %s", folder)
		}
		for _, name := range names {
			s, err := load(fsys, name)
			if err != nil {
				return nil, err
			}
			if other, dup := seen[s.Name]; dup {
				return nil, fmt.Errorf("%s and %s are both named %q", other, name, s.Name)
			}
			seen[s.Name] = name
			all = append(all, s)
		}
	}
	return all, nil
}

func load(fsys fs.FS, name string) (*Scenario, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	s := &Scenario{}
	if err := unmarshalStrict(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, e := range s.Exchanges {
		kinds := 0
		for _, is := range []bool{e.Request != nil, e.Await != "", e.Sleep > 0} {
			if is {
				kinds++
			}
		}
		if kinds != 1 {
			return nil, fmt.Errorf("%s: exchange %d is not exactly one of request, await and sleep", name, i)
		}
	}
	return s, nil
}

// TouchesServer reports whether a request of the scenario goes to what all
// databases share (configuration, users, replications, lists of databases), so
// that the scenario needs a server of its own.
func (s *Scenario) TouchesServer() bool {
	for _, e := range s.Exchanges {
		if e.Request != nil && strings.HasPrefix(strings.TrimLeft(e.Request.Path, "/"), "_") {
			return true
		}
	}
	return false
}

// Slept is the sum of the scenario's recorded pauses, in seconds.
func (s *Scenario) Slept() float64 {
	sum := 0.0
	for _, e := range s.Exchanges {
		sum += e.Sleep
	}
	return sum
}

// Title is the exchange's request line, for reports.
func (e *Exchange) Title() string {
	switch {
	case e.Request != nil:
		return e.Request.Method + " " + e.Request.Path
	case e.Await != "":
		return "await " + e.Await
	default:
		return "sleep"
	}
}
