package delivery

import "bufio"

// IsEncrypted is isEncrypted, for tests.
func IsEncrypted(r *bufio.Reader) (bool, error) { return isEncrypted(r) }

// HeaderBytes is headerBytes, for tests.
const HeaderBytes = headerBytes
