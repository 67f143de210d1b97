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

// dataFormat is the version of what is in a data directory: Pebble's own format, the
// layout of the keys, and the rows that are always there (package schema). It stands in
// the name of an empty file in the data directory, marker.settle-kv.<n>.<version>, so
// that it can be read before, and without, anything that it describes.
const dataFormat = 2

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
	case v < dataFormat:
		return false, fmt.Errorf("%w: format %d, this program knows %d", ErrOlderFormat, v, dataFormat)
	case v > dataFormat:
		return false, fmt.Errorf("%w: format %d, this program knows %d", ErrNewerFormat, v, dataFormat)
	}
	return false, nil
}

// holdsStore reports whether a directory has files that only a store leaves
// which was opened: logs, tables, or a manifest behind the first one, which may
// be all that a crash left of making the store.
func holdsStore(fs vfs.FS, dir string) (bool, error) {
	names, err := fs.List(dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		later := strings.HasPrefix(name, "MANIFEST-") && name != "MANIFEST-000001"
		if later || bulky(name) || strings.HasSuffix(name, ".log") {
			return true, nil
		}
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
