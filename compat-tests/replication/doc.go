// Package replication lets real servers replicate with each other, and with a
// pouchdb-server, whose npm packages are in the directory peers: random histories in
// both directions, through a network that fails, and through crashes. Afterwards both
// ends must agree on every leaf and every byte.
package replication
