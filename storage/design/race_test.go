//go:build race

package design_test

// slow is how many times slower the engine is under the race detector.
const slow = 8
