// Package deferred gives out contents that stay at the place that their documents came
// from until somebody wants them: it fetches them, once for all who ask, checks that they
// are the promised ones, and keeps them as long as there is room.
//
// A deferred content is a blob whose record says where it is. What was fetched is a blob
// of its own, which a row of kind schema.KindKept points to, and which goes away with
// the deferred one, or, where the kept contents of a database become too many, before it:
// then it is fetched again.
package deferred
