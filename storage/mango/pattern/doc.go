// Package pattern holds the regular expressions of selectors.
//
// CouchDB runs `$regex` by PCRE over the bytes of the string. Here they run by Go's
// regexp, in linear time, over the bytes as well: "." matches one of the two bytes
// of "é". What that cannot express is refused as such: backreferences, lookaround but for
// lookaheads right behind the "^" that a pattern begins with, possessive and atomic
// groups, conditions, recursion, escapes such as \h, \R, \Z or \K, repetitions of more
// than 1,000, and expressions that take too much memory. \s does not match a vertical
// tab, and \w no letters beyond ASCII. "$" matches before a final newline as in PCRE,
// where nothing is to be matched behind it.
package pattern
