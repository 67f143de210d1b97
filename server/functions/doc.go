// Package functions serves what design documents do by functions beside views: shows,
// lists, updates and rewrites.
package functions
