// Package query serves views: their rows and reductions, what is known of their
// indexes, and the removal of those that no design document uses.
package query
