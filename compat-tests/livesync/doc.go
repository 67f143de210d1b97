// Package livesync makes the requests that Obsidian LiveSync makes, with the
// headers that it sends, and wants the answers that it needs: its check of the
// server and the fixes that it offers, its provisioning script, a synchronization
// of two devices over PouchDB, chunks on demand, and the streamed first fetch.
package livesync
