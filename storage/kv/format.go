package kv

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// dataFormat is the version of what this package writes: the layout of the keys
// and Pebble's own format. It stands in the name of an empty file in the data
// directory, marker.settle-kv.<n>.<version>, so that it can be read before, and
// without, anything that it describes.
const dataFormat = 1

const formatMarker = "settle-kv"

// checkFormat refuses a directory that another format wrote. It writes nothing,
// and reports whether the directory is without a store.
func checkFormat(fs vfs.FS, dir string) (empty bool, err error) {
	names, err := fs.List(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	value, err := atomicfs.ReadMarker(fs, dir, formatMarker)
	if err != nil {
		return false, err
	}
	if value == "" {
		for _, name := range names {
			if strings.HasPrefix(name, "MANIFEST-") {
				return false, fmt.Errorf("%w: %s holds a store without a format version", ErrCorrupt, dir)
			}
		}
		return true, nil
	}
	v, err := strconv.Atoi(value)
	switch {
	case err != nil || v < 1:
		return false, fmt.Errorf("%w: format version %q", ErrCorrupt, value)
	case v > dataFormat:
		return false, fmt.Errorf("%w: format %d, this program knows %d", ErrNewerFormat, v, dataFormat)
	}
	return false, nil
}

// writeFormat marks a new data directory, durably.
func writeFormat(fs vfs.FS, dir string) error {
	marker, _, err := atomicfs.LocateMarker(fs, dir, formatMarker)
	if err != nil {
		return err
	}
	return errors.Join(marker.Move(strconv.Itoa(dataFormat)), marker.Close())
}
