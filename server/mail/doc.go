// Package mail takes messages from a mail transfer agent over LMTP (RFC 2033) and
// delivers each to its recipients' databases.
//
// A message is held until all recipients have it: a short one in memory, a longer one
// in a file without a name, sealed under a key that is in memory only. What is told
// of a message in clear, its sender and subject, travels with it to the server, which
// seals both.
//
// A recipient's delivery has an id that the message makes, so that a message which
// the agent sends again, because a connection or a process broke, is delivered once.
package mail
