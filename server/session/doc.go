// Package session serves `/_session`: who is logged in, logging in, logging out.
package session
