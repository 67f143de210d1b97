//go:build !linux

package main

import "errors"

// askPassphrase knows no terminal here.
func askPassphrase() (string, error) {
	return "", errors.New("there is no terminal to ask on")
}
