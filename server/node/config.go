package node

import (
	"context"
	"errors"
	"net/http"

	"settle/server/config"
	"settle/server/web"
	"settle/storage/couch"
)

// Admins are the server's administrators, as the section "admins" shows them:
// by name, never by hash.
type Admins interface {
	// Names returns the names of the administrators.
	Names() []string
	// SetPassword makes an administrator, or changes one's password, durably.
	SetPassword(ctx context.Context, name, password string) error
	// Remove takes an administrator away, durably. The error is a NotFound where
	// there is none of that name.
	Remove(ctx context.Context, name string) error
}

// adminsSection is where CouchDB keeps administrators.
const adminsSection = "admins"

// hidden stands where CouchDB shows a password's hash.
const hidden = "[redacted]"

// errUnknownValue is what a value that is not set is answered with.
var errUnknownValue = couch.Errorf(couch.NotFound, "unknown_config_value")

// ofNode checks the node's name in the path in front of a handler.
func ofNode(handler web.Handler) web.Handler {
	return func(r *web.Request) error {
		if err := checkName(r.Param("node")); err != nil {
			return err
		}
		return handler(r)
	}
}

func (h *handlers) getConfig(r *web.Request) error {
	all := h.config.Sections()
	all[adminsSection] = h.section(adminsSection)
	return r.WriteJSON(http.StatusOK, all)
}

func (h *handlers) getSection(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, h.section(r.Param("section")))
}

func (h *handlers) getValue(r *web.Request) error {
	value, ok := h.section(r.Param("section"))[r.Param("key")]
	if !ok {
		return errUnknownValue
	}
	return r.WriteJSON(http.StatusOK, value)
}

// section returns the values of a section as clients see them.
func (h *handlers) section(name string) map[string]string {
	if name != adminsSection {
		return h.config.Section(name)
	}
	values := map[string]string{}
	for _, admin := range h.admins.Names() {
		values[admin] = hidden
	}
	return values
}

func (h *handlers) putValue(r *web.Request) error {
	var value any
	if err := r.DecodeJSON(&value); err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok {
		return couch.Errorf(couch.BadRequest, "a JSON string expected")
	}
	id := config.ID{Section: r.Param("section"), Key: r.Param("key")}
	if id.Section == adminsSection {
		old := h.section(adminsSection)[id.Key]
		if err := h.admins.SetPassword(r.Context(), id.Key, text); err != nil {
			return err
		}
		return r.WriteJSON(http.StatusOK, old)
	}
	old, err := h.config.Set(r.Context(), id, text, persists(r))
	if err != nil {
		return err
	}
	return r.WriteJSON(http.StatusOK, old)
}

func (h *handlers) deleteValue(r *web.Request) error {
	id := config.ID{Section: r.Param("section"), Key: r.Param("key")}
	if id.Section == adminsSection {
		err := h.admins.Remove(r.Context(), id.Key)
		if errors.Is(err, couch.ErrNotFound) {
			return errUnknownValue
		}
		if err != nil {
			return err
		}
		return r.WriteJSON(http.StatusOK, hidden)
	}
	old, err := h.config.Delete(r.Context(), id, persists(r))
	if err != nil {
		return err
	}
	return r.WriteJSON(http.StatusOK, old)
}

// persists reports whether a change outlives the server.
func persists(r *web.Request) bool { return r.Query().Get("persist") != "false" }

// reloadConfig has nothing to read again: every value counts once it is set.
func reloadConfig(r *web.Request) error { return r.WriteOK(http.StatusOK) }
