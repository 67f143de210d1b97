// Package attacks tries, against the real binary, what must fail: to read or
// change what belongs to others, and to be taken for somebody else. An attempt has
// failed when it is refused, its answer tells nothing, and the server's databases,
// accounts and configuration are as before.
package attacks
