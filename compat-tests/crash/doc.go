// Package crash ends the real binary in the ways a machine does, by SIGKILL
// under load and by a full disk, and looks at what is left on the disk.
package crash
