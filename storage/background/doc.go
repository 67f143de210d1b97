// Package background runs and accounts for the work that a store does beside its
// callers: jobs one at a time, what is under way and how far it is, and runs that
// many callers share. It keeps no goroutine where there is nothing to do.
package background
