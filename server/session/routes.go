package session

import (
	"cmp"
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
		setCookie(r, h.auth.NoCookie(r.Request))
		if target := r.Query().Get("fail"); target != "" {
			return redirect(r, target)
		}
		return err
	case err != nil:
		return err
	}
	setCookie(r, h.auth.Cookie(r.Request, session))
	if target := r.Query().Get("next"); target != "" {
		return redirect(r, target)
	}
	return r.WriteJSON(http.StatusOK, struct {
		OK bool `json:"ok"`
		userCtx
	}{true, printUser(session)})
}

var errPleaseLogIn = &couch.Error{Kind: couch.Unauthorized, Reason: "Please login."}

// errUnauthorized matches what a wrong name or password is refused with.
var errUnauthorized = &couch.Error{Kind: couch.Unauthorized}

// delete takes the cookie away from the client. As in CouchDB, the cookie
// itself goes on counting until it runs out.
func (h *handlers) delete(r *web.Request) error {
	setCookie(r, h.auth.NoCookie(r.Request))
	if target := r.Query().Get("next"); target != "" {
		return redirect(r, target)
	}
	return r.WriteOK(http.StatusOK)
}

// setCookie replaces a cookie that authentication has renewed.
func setCookie(r *web.Request, header string) { r.Response.Header().Set("Set-Cookie", header) }

// redirect answers 302 to a path of this server.
func redirect(r *web.Request, target string) error {
	if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\r\n") {
		return couch.Errorf(couch.BadRequest, "redirect path must begin with \"/\"")
	}
	r.Response.Header().Set("Location", r.AbsoluteURL()+target)
	return r.WriteOK(http.StatusFound)
}

// maxLogin bounds the body of a log-in.
const maxLogin = 64 << 10

// readLogin reads name, password and second factor, from a form or a JSON object.
func readLogin(r *web.Request) (auth.Credentials, error) {
	body, err := r.ReadBody(maxLogin)
	if err != nil {
		return auth.Credentials{}, err
	}
	var login struct {
		Name     string `json:"name"`
		Username string `json:"username"`
		Password string `json:"password"`
		Token    string `json:"token"`
	}
	switch r.MediaType() {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return auth.Credentials{}, couch.Errorf(couch.BadRequest, "invalid form")
		}
		login.Name, login.Username = form.Get("name"), form.Get("username")
		login.Password, login.Token = form.Get("password"), form.Get("token")
	case "application/json":
		if err := web.UnmarshalJSON(body, &login); err != nil {
			return auth.Credentials{}, err
		}
	default:
		return auth.Credentials{}, &couch.Error{Kind: couch.BadContentType}
	}
	name := cmp.Or(login.Name, login.Username)
	if name == "" {
		return auth.Credentials{}, couch.Errorf(couch.BadRequest, "request body must contain a username")
	}
	return auth.Credentials{Name: name, Password: login.Password, Token: login.Token}, nil
}
