package mail

import (
	"io"
	"os"
)

// HoldLong holds a message that is too long for memory. It returns the file, and what
// reads the message from its beginning.
func HoldLong(r io.Reader, dir string) (file *os.File, open func() io.Reader, err error) {
	s, err := readSpool(r, dir)
	if err != nil {
		return nil, nil, err
	}
	return s.file, s.open, nil
}
