// Package replication lets real servers replicate with each other: random histories in
// both directions, through a network that fails, and through crashes. Afterwards both
// ends must agree on every leaf and every byte.
package replication
