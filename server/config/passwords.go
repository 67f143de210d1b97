package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// PasswordRule is what a new password must match.
type PasswordRule struct {
	Pattern *regexp.Regexp
	Reason  string // told to whoever's password does not; may be empty
}

// ParsePasswordRules reads CouchDB's chttpd_auth/password_regexp, an Erlang list
// such as
//
//	["[A-Z]+", {".{10,}", "At least 10 characters."}, {"\\d"}]
//
// Expressions are those of the package regexp, which has no lookaround: what asks
// for it is an error. So that "\d" means what it seems to, a backslash stays unless
// another or a quote is behind it.
func ParsePasswordRules(text string) ([]PasswordRule, error) {
	p := termParser{rest: text}
	p.space()
	if p.rest == "" {
		return nil, nil
	}
	var rules []PasswordRule
	err := p.list('[', ']', func() error {
		var parts []string
		err := p.rule(&parts)
		if err != nil {
			return err
		}
		rule := PasswordRule{}
		if rule.Pattern, err = regexp.Compile(parts[0]); err != nil {
			return fmt.Errorf("%q is no regular expression here", parts[0])
		}
		if len(parts) > 1 {
			rule.Reason = parts[1]
		}
		rules = append(rules, rule)
		return nil
	})
	if err == nil && p.rest != "" {
		err = p.wrong()
	}
	return rules, err
}

func isPasswordRules(text string) bool {
	_, err := ParsePasswordRules(text)
	return err == nil
}

// termParser reads the few of Erlang's terms that configurations have.
type termParser struct{ rest string }

func (p *termParser) wrong() error { return errors.New("not a list of strings and tuples") }

func (p *termParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take takes one character, and the space behind it.
func (p *termParser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	p.space()
	return true
}

// list reads elements between commas.
func (p *termParser) list(open, end byte, element func() error) error {
	if !p.take(open) {
		return p.wrong()
	}
	if p.take(end) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.take(end) {
			return nil
		}
		if !p.take(',') {
			return p.wrong()
		}
	}
}

// rule reads a string, or a tuple of one or two.
func (p *termParser) rule(parts *[]string) error {
	one := func() error {
		s, err := p.text()
		*parts = append(*parts, s)
		return err
	}
	if !strings.HasPrefix(p.rest, "{") {
		return one()
	}
	if err := p.list('{', '}', one); err != nil {
		return err
	}
	if len(*parts) < 1 || len(*parts) > 2 {
		return p.wrong()
	}
	return nil
}

// text reads a string.
func (p *termParser) text() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		return "", p.wrong()
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			p.space()
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest) && (p.rest[i+1] == '\\' || p.rest[i+1] == '"'):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.wrong()
}
