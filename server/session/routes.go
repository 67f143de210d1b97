package session

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"settle/server/auth"
	"settle/server/web"
	"settle/storage/couch"
)

// Routes returns the table of the session's endpoints.
func Routes(a *auth.Auth) []web.Route {
	h := &handlers{a}
	var table []web.Route
	for _, path := range []string{"/_session", "/_session/*"} {
		table = append(table,
			web.Route{Method: "GET", Path: path, Privilege: web.Public, Handler: h.get},
			web.Route{Method: "POST", Path: path, Privilege: web.Public, Handler: h.post},
			web.Route{Method: "DELETE", Path: path, Privilege: web.Public, Handler: h.delete},
		)
	}
	return table
}

type handlers struct{ auth *auth.Auth }

// userCtx is a user as CouchDB prints one: an anonymous one's name is null, and
// a token may name a user by a number.
type userCtx struct {
	Name  any      `json:"name"`
	Roles []string `json:"roles"`
}

func printUser(s auth.Session) userCtx {
	printed := userCtx{Roles: append([]string{}, s.User.Roles...)}
	switch {
	case s.NumericName:
		printed.Name = json.Number(s.User.Name)
	case s.User.Name != "":
		printed.Name = s.User.Name
	}
	return printed
}

// get answers who is logged in.
func (h *handlers) get(r *web.Request) error {
	if r.Session.Handler == "" && r.Query().Is("basic") {
		return errPleaseLogIn
	}
	type info struct {
		Handlers      []string `json:"authentication_handlers"`
		Authenticated string   `json:"authenticated,omitempty"`
	}
	return r.WriteJSON(http.StatusOK, struct {
		OK   bool    `json:"ok"`
		User userCtx `json:"userCtx"`
		Info info    `json:"info"`
	}{true, printUser(r.Session), info{h.auth.Handlers(), r.Session.Handler}})
}

// post logs in and sets the session cookie.
func (h *handlers) post(r *web.Request) error {
	credentials, err := readLogin(r)
	if err != nil {
		return err
	}
	session, err := h.auth.Login(r.Request, credentials)
	switch {
	case errors.Is(err, errUnauthorized):
		return h.refuse(r, err)
	case err != nil:
		return err
	}
	status, err := statusOr(r, "next", http.StatusOK)
	if err != nil {
		return err
	}
	setCookie(r, h.auth.Cookie(r.Request, session))
	return r.WriteJSON(status, struct {
		OK bool `json:"ok"`
		userCtx
	}{true, printUser(session)})
}

// refuse answers a wrong name or password. Unlike other refusals it asks for nothing
// and leads nowhere else.
func (h *handlers) refuse(r *web.Request, refusal error) error {
	status, err := statusOr(r, "fail", http.StatusUnauthorized)
	if err != nil {
		return err
	}
	setCookie(r, h.auth.NoCookie(r.Request))
	_, name, reason := web.Describe(refusal)
	return r.WriteJSON(status, struct {
		Error  string `json:"error"`
		Reason string `json:"reason"`
	}{name, reason})
}

var errPleaseLogIn = &couch.Error{Kind: couch.Unauthorized, Reason: "Please login."}

// errUnauthorized matches what a wrong name or password is refused with.
var errUnauthorized = &couch.Error{Kind: couch.Unauthorized}

// delete takes the cookie away from the client. As in CouchDB, the cookie
// itself goes on counting until it runs out.
func (h *handlers) delete(r *web.Request) error {
	status, err := statusOr(r, "next", http.StatusOK)
	if err != nil {
		return err
	}
	setCookie(r, h.auth.NoCookie(r.Request))
	return r.WriteOK(status)
}

// setCookie replaces a cookie that authentication has renewed.
func setCookie(r *web.Request, header string) { r.Response.Header().Set("Set-Cookie", header) }

// statusOr returns 302, and sets where to, where the named parameter says so: it is a
// path of this server. Otherwise it returns the given status. The error is a BadRequest.
func statusOr(r *web.Request, parameter string, status int) (int, error) {
	target, given := r.Query().Lookup(parameter)
	switch {
	case !given:
		return status, nil
	case !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\r\n"):
		return 0, couch.Errorf(couch.BadRequest, "redirect path must begin with \"/\"")
	}
	r.Response.Header().Set("Location", r.AbsoluteURL()+target)
	return http.StatusFound, nil
}

// maxLogin bounds the body of a log-in.
const maxLogin = 64 << 10

// readLogin reads name, password and second factor, from a form or a JSON object.
func readLogin(r *web.Request) (auth.Credentials, error) {
	body, err := r.ReadBody(maxLogin)
	if err != nil {
		return auth.Credentials{}, err
	}
	var l login
	switch r.MediaType() {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return auth.Credentials{}, couch.Errorf(couch.BadRequest, "invalid form")
		}
		l = loginIn(form)
	case "application/json":
		if err := web.UnmarshalJSON(body, &l); err != nil {
			return auth.Credentials{}, err
		}
	default:
		return auth.Credentials{}, &couch.Error{Kind: couch.BadContentType}
	}
	name, err := l.name()
	return auth.Credentials{Name: name, Password: l.Password, Token: l.Token}, err
}

// login is what a client logs in with. Either name will do; nil: not given.
type login struct {
	Name     *string `json:"name"`
	Username *string `json:"username"`
	Password string  `json:"password"`
	Token    string  `json:"token"`
}

func loginIn(form url.Values) login {
	l := login{Password: form.Get("password"), Token: form.Get("token")}
	if form.Has("name") {
		l.Name = new(form.Get("name"))
	}
	if form.Has("username") {
		l.Username = new(form.Get("username"))
	}
	return l
}

// name returns the name, which may be empty. The error is a BadRequest.
func (l *login) name() (string, error) {
	switch {
	case l.Name == nil && l.Username == nil:
		return "", couch.Errorf(couch.BadRequest, "request body must contain a username")
	case l.Name == nil:
		return *l.Username, nil
	case l.Username != nil && *l.Username != *l.Name:
		return "", couch.Errorf(couch.BadRequest, "request body contains different usernames")
	}
	return *l.Name, nil
}
