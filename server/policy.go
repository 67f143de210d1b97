package server

import (
	"time"

	"settle/server/auth"
	"settle/server/config"
)

// AuthPolicy returns what the configuration says about logging in, at the
// moment of each call.
func AuthPolicy(c *config.Config) func() auth.Policy {
	return func() auth.Policy {
		return auth.Policy{
			RequireUser:      c.Bool(config.RequireValidUser) || c.Bool(config.AuthRequireValidUser),
			RequireUserButUp: c.Bool(config.RequireValidUserButUp),
			SessionTimeout:   time.Duration(c.Int(config.SessionTimeout)) * time.Second,
			Persistent:       c.Bool(config.AllowPersistentCookies),
			SameSite:         c.Get(config.SameSite),
			CookieDomain:     c.Get(config.CookieDomain),
			Secret:           c.Get(config.Secret),
			Iterations:       int(c.Int(config.PasswordIterations)),
		}
	}
}
