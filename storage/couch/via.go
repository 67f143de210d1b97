package couch

import (
	"context"
	"strings"
)

// Via are the contents, by the names that their servers gave them, for whose sake a
// request is made: each waits for the next. A server that finds one of its own among
// them has been asked by itself.
type Via []string

// ViaHeader is the header of a request that carries them.
const ViaHeader = "X-Settle-Via"

// MaxVia is how many servers may stand between who wants a content and who has it.
const MaxVia = 16

// maxViaName is the longest name of a content, in bytes.
const maxViaName = 64

// ParseVia reads what String has printed, up to a name that is empty or too long, and
// no more than MaxVia names.
func ParseVia(text string) Via {
	var v Via
	for name := range strings.SplitSeq(text, ",") {
		if name == "" || len(name) > maxViaName || len(v) == MaxVia {
			break
		}
		v = append(v, name)
	}
	return v
}

// String prints the names between commas.
func (v Via) String() string { return strings.Join(v, ",") }

type viaKey struct{}

// WithVia returns a context for what is done for the sake of contents.
func WithVia(ctx context.Context, v Via) context.Context {
	return context.WithValue(ctx, viaKey{}, v)
}

// ViaOf returns for the sake of which contents something is done.
func ViaOf(ctx context.Context) Via {
	v, _ := ctx.Value(viaKey{}).(Via)
	return v
}
