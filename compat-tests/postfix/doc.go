// Package postfix holds a test with a real mail transfer agent: Postfix, as in
// Debian's package, delivers to "settle lmtp" while that, and the server behind it,
// are killed and started again. It is skipped where Postfix is not installed.
package postfix
