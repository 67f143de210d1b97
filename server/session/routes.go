package session

import (
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

// userCtx is a user as CouchDB prints one: an anonymous one's name is null.
type userCtx struct {
	Name  *string  `json:"name"`
	Roles []string `json:"roles"`
}

func printUser(u couch.UserCtx) userCtx {
	printed := userCtx{Roles: append([]string{}, u.Roles...)}
	if u.Name != "" {
		printed.Name = &u.Name
	}
	return printed
}

// get answers who is logged in.
func (h *handlers) get(r *web.Request) error {
	user := r.Session.User
	if user.Name == "" && r.Query().Is("basic") {
		return couch.Errorf(couch.Unauthorized, "Please login.")
	}
	type info struct {
		Handlers      []string `json:"authentication_handlers"`
		Authenticated string   `json:"authenticated,omitempty"`
	}
	return r.WriteJSON(http.StatusOK, struct {
		OK   bool    `json:"ok"`
		User userCtx `json:"userCtx"`
		Info info    `json:"info"`
	}{true, printUser(user), info{auth.Handlers, r.Session.Handler}})
}

// post logs in and sets the session cookie.
func (h *handlers) post(r *web.Request) error {
	name, password, err := readLogin(r)
	if err != nil {
		return err
	}
	session, err := h.auth.Login(r.Context(), name, password)
	if err != nil {
		setCookie(r, h.auth.NoCookie(r.Request))
		if target := r.Query().Get("fail"); target != "" {
			return redirect(r, target)
		}
		return err
	}
	setCookie(r, h.auth.Cookie(r.Request, name))
	if target := r.Query().Get("next"); target != "" {
		return redirect(r, target)
	}
	return r.WriteJSON(http.StatusOK, struct {
		OK bool `json:"ok"`
		userCtx
	}{true, printUser(session.User)})
}

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

// readLogin reads name and password, from a form or a JSON object.
func readLogin(r *web.Request) (name, password string, err error) {
	body, err := r.ReadBody(maxLogin)
	if err != nil {
		return "", "", err
	}
	switch r.MediaType() {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", "", couch.Errorf(couch.BadRequest, "invalid form")
		}
		name, password = form.Get("name"), form.Get("password")
		if name == "" {
			name = form.Get("username")
		}
	case "application/json":
		var login struct {
			Name     string `json:"name"`
			Username string `json:"username"`
			Password string `json:"password"`
		}
		if err := web.UnmarshalJSON(body, &login); err != nil {
			return "", "", err
		}
		name, password = login.Name, login.Password
		if name == "" {
			name = login.Username
		}
	default:
		return "", "", &couch.Error{Kind: couch.BadContentType}
	}
	if name == "" {
		return "", "", couch.Errorf(couch.BadRequest, "request body must contain a username")
	}
	return name, password, nil
}
