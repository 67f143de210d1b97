package node

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

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
	for name := range all {
		all[name] = h.section(name)
	}
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
		return config.Shown(name, h.config.Section(name))
	}
	values := map[string]string{}
	for _, admin := range h.admins.Names() {
		values[admin] = config.Redacted
	}
	return values
}

func (h *handlers) putValue(r *web.Request) error {
	id, err := changeable(r)
	if err != nil {
		return err
	}
	var value any
	if err := r.DecodeJSON(&value); err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok {
		return couch.Errorf(couch.BadRequest, "a JSON string expected")
	}
	if err := checkTexts(id, text); err != nil {
		return err
	}
	if id.IsSecret() && text == config.Redacted {
		return couch.Errorf(couch.BadRequest, "%s stands for a value that is not shown", config.Redacted)
	}
	old, err := h.set(r, id, text)
	if err != nil {
		return err
	}
	return r.WriteJSON(http.StatusOK, old)
}

// lockedSections are what CouchDB lets nobody change over HTTP: there they name
// programs to run.
var lockedSections = []string{
	"daemons", "external", "httpd_design_handlers", "httpd_db_handlers", "httpd_global_handlers",
	"native_query_servers", "os_daemons", "query_servers", "feature_flags",
}

var errLockedSection = couch.Errorf(couch.Forbidden, "Config section blacklisted for modification over HTTP API.")

// changeable returns which value a request is about to change. The error is a Forbidden.
func changeable(r *web.Request) (config.ID, error) {
	id := config.ID{Section: r.Param("section"), Key: r.Param("key")}
	if slices.Contains(lockedSections, id.Section) {
		return id, errLockedSection
	}
	return id, nil
}

// checkTexts refuses what could not stand in a configuration file. The error is a
// BadRequest.
func checkTexts(id config.ID, value string) error {
	switch {
	case !isPrintable(id.Section) || strings.ContainsAny(id.Section, "[]"):
		return couch.Errorf(couch.BadRequest, "Invalid configuration section")
	case !isPrintable(id.Key) || strings.ContainsAny(id.Key, "[]"):
		return couch.Errorf(couch.BadRequest, "Invalid configuration key")
	case !isPrintable(strings.TrimSpace(value)):
		return couch.Errorf(couch.BadRequest, "Invalid configuration value")
	}
	return nil
}

// isPrintable reports whether a text has no control characters but tabs.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c != '\t' && unicode.IsControl(c) })
}

// set returns the value before, as CouchDB does: it is out of force now. That of an
// administrator is none that a client could use.
func (h *handlers) set(r *web.Request, id config.ID, value string) (old string, err error) {
	if id.Section == adminsSection {
		if !persists(r) {
			return "", errAdminsPersist
		}
		return "", h.admins.SetPassword(r.Context(), id.Key, value)
	}
	old, err = h.config.Set(r.Context(), id, value, persists(r))
	return told(r, id, old), err
}

var errAdminsPersist = couch.Errorf(couch.BadRequest, "administrators are kept; X-Couch-Persist: false is not for them")

// told is what is told of a value that a change replaces. A secret that will be in
// force again is not shown.
func told(r *web.Request, id config.ID, old string) string {
	if id.IsSecret() && old != "" && !persists(r) {
		return config.Redacted
	}
	return old
}

func (h *handlers) deleteValue(r *web.Request) error {
	id, err := changeable(r)
	if err != nil {
		return err
	}
	old, err := h.remove(r, id)
	if err != nil {
		return err
	}
	return r.WriteJSON(http.StatusOK, old)
}

// remove returns the value before, as set does.
func (h *handlers) remove(r *web.Request, id config.ID) (old string, err error) {
	if id.Section != adminsSection {
		old, err = h.config.Delete(r.Context(), id, persists(r))
		return told(r, id, old), err
	}
	if !persists(r) {
		return "", errAdminsPersist
	}
	err = h.admins.Remove(r.Context(), id.Key)
	if errors.Is(err, couch.ErrNotFound) {
		return "", errUnknownValue
	}
	return "", err
}

// persists reports whether a change outlives the server.
func persists(r *web.Request) bool { return r.Header.Get("X-Couch-Persist") != "false" }

// reloadConfig forgets the changes that were not to last.
func (h *handlers) reloadConfig(r *web.Request) error {
	h.config.Reload()
	return r.WriteOK(http.StatusOK)
}
