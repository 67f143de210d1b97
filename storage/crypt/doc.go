// Package crypt is all of the store's cryptography: who may open it, and how
// what it keeps is sealed. FORMAT.md has every format as a table of bytes, and says
// what an attacker can and cannot do.
//
// # Keys
//
// An age [Identity] in a file outside the data directory opens the [Keyring], a
// small age file inside it. [Unlock] finds both, and makes them at the first start.
// The keyring holds, by epoch, the store key, from which each file under the
// engine has its own, and the wrapping key, under which each database's random
// [DatabaseKey] stands in the store. Dropping a database destroys that row.
//
// # Layers
//
// [NewFS] seals everything that the engine writes: ids, indexes, sequences, logs.
// Inside, [DatabaseKey.Seal] seals bodies, and a [BlobKey] the attachments, so that
// they stay sealed where there is no such file system, and die with their database's
// key.
//
// # Use
//
// Keys are held by pointer and print as [redacted]. Errors match the sentinels with
// errors.Is; none holds a key or contents, but paths of files they do hold.
package crypt
