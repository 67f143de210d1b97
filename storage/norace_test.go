//go:build !race

package storage_test

// underRace says that the race detector is on, which makes everything slow and large.
const underRace = false
