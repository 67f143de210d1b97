package server

import (
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"settle/server/auth"
	"settle/server/config"
	"settle/server/find"
	"settle/server/users"
	"settle/server/web"
)

// AuthPolicy returns what the configuration says about logging in, at the
// moment of each call.
func AuthPolicy(c *config.Config) func() auth.Policy {
	return latest(c, func() auth.Policy {
		return auth.Policy{
			Handlers:         auth.ParseHandlers(c.Get(config.AuthHandlers)),
			RequireUser:      c.Bool(config.RequireValidUser) || c.Bool(config.AuthRequireValidUser),
			RequireUserButUp: c.Bool(config.RequireValidUserButUp),
			SessionTimeout:   time.Duration(c.Int(config.SessionTimeout)) * time.Second,
			Persistent:       c.Bool(config.AllowPersistentCookies),
			SameSite:         c.Get(config.SameSite),
			CookieDomain:     c.Get(config.CookieDomain),
			Secret:           c.Get(config.Secret),
			HashAlgorithms:   splitList(c.Get(config.HashAlgorithms)),
			Iterations:       int(c.Int(config.PasswordIterations)),
			KeepWeakHashes:   !c.Bool(config.UpgradeHashOnAuth),
			Passwords:        passwordRules(c),
			Challenge:        c.Get(config.WWWAuthenticate),
			Lockout:          lockout(c),
			Proxy: auth.Proxy{
				UseSecret:   c.Bool(config.ProxyUseSecret),
				NameHeader:  c.Get(config.ProxyNameHeader),
				RolesHeader: c.Get(config.ProxyRolesHeader),
				TokenHeader: c.Get(config.ProxyTokenHeader),
			},
			JWT: auth.JWT{
				Key:        func(id string) (string, bool) { return c.Lookup(config.ID{Section: "jwt_keys", Key: id}) },
				Required:   auth.ParseClaims(c.Get(config.JWTRequiredClaims)),
				RolesClaim: c.Get(config.JWTRolesClaimName),
				RolesPath:  c.Get(config.JWTRolesClaimPath),
			},
		}
	})
}

// noPassword is the rule where the rules cannot be read.
var noPassword = auth.PasswordRule{Pattern: regexp.MustCompile(`[^\x00-\x{10FFFF}]`), Reason: "The server's rules cannot be read."}

// passwordRules reads the rules for new passwords, which were checked when set.
func passwordRules(c *config.Config) []auth.PasswordRule {
	parsed, err := config.ParsePasswordRules(c.Get(config.PasswordRegexp))
	if err != nil {
		return []auth.PasswordRule{noPassword}
	}
	rules := make([]auth.PasswordRule, len(parsed))
	for i, rule := range parsed {
		rules[i] = auth.PasswordRule(rule)
	}
	return rules
}

func lockout(c *config.Config) auth.Lockout {
	mode := c.Get(config.LockoutMode)
	proxies, _ := config.ParseNetworks(c.Get(config.TrustedProxies)) // checked when set; else none is trusted
	return auth.Lockout{
		Off:      mode == "off",
		WarnOnly: mode == "warn",
		Failures: int(c.Int(config.LockoutThreshold)),
		Memory:   time.Duration(c.Int(config.LockoutLifetime)) * time.Millisecond,
		Records:  int(c.Int(config.LockoutObjects)),
		Proxies:  proxies,
	}
}

// findSettings returns what the configuration says about Mango's searches.
func findSettings(c *config.Config) func() find.Settings {
	return func() find.Settings {
		return find.Settings{Limit: int(c.Int(config.FindLimit)), ScanWarning: c.Int(config.FindScanWarning)}
	}
}

// changesTimeout returns how long a feed of changes may be quiet.
func changesTimeout(c *config.Config) func() time.Duration {
	return func() time.Duration { return time.Duration(c.Int(config.ChangesTimeout)) * time.Millisecond }
}

// corsPolicy returns what the configuration says about pages of other origins.
func corsPolicy(c *config.Config) func() web.CORS {
	return latest(c, func() web.CORS {
		return web.CORS{
			Enabled:     c.Bool(config.EnableCORS),
			Origins:     splitList(c.Get(config.CORSOrigins)),
			Credentials: c.Bool(config.CORSCredentials),
			Methods:     splitList(c.Get(config.CORSMethods)),
			Headers:     splitList(strings.ToLower(c.Get(config.CORSHeaders))),
			Exposed:     splitList(strings.ToLower(c.Get(config.CORSExposedHeaders))),
			MaxAge:      c.Get(config.CORSMaxAge),
		}
	})
}

// usersPolicy returns what the configuration says about the database of accounts.
func usersPolicy(c *config.Config) func() users.Policy {
	return latest(c, func() users.Policy {
		return users.Policy{
			PublicFields:     splitList(c.Get(config.PublicFields)),
			SecurityEditable: c.Bool(config.UsersSecurityEditable),
		}
	})
}

// splitList reads a list of names between commas.
func splitList(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// latest returns a function that makes its value anew only when the configuration
// has changed: it is called several times for each request.
func latest[T any](c *config.Config, make func() T) func() T {
	type made struct {
		version uint64
		value   T
	}
	var last atomic.Pointer[made]
	return func() T {
		version := c.Version() // read first: a change in between makes it anew
		if m := last.Load(); m != nil && m.version == version {
			return m.value
		}
		m := &made{version, make()}
		last.Store(m)
		return m.value
	}
}
