// Package layers holds the source tree to its shape: which room may import
// which, that every package says what it is, how long files and packages may
// get, and what must not be in them.
//
// It reads the sources themselves, so that a change shows at once; a check that
// asked the go command would be answered from the test cache.
package layers
