package couch

import "math"

// Bounds on names that clients choose, in bytes, whatever the configuration says:
// they stand in keys, headers and every answer about their document.
const (
	MaxDocID          = 64 << 10
	MaxRevHash        = 1 << 10
	MaxAttachmentName = 64 << 10
	MaxContentType    = 64 << 10
)

// NoRevPos is the RevPos of a stub whose own names no revision at all: no
// attachment that is stored has it.
const NoRevPos = math.MaxUint64

var (
	errAttachmentName = &Error{Kind: BadRequest, Reason: "Attachment name is too long"}
	errContentType    = &Error{Kind: BadRequest, Reason: "Attachment content_type is too long"}
)

// CheckBounds checks the lengths of an attachment's name and type. The error is a
// BadRequest, which holds neither.
func (a *Attachment) CheckBounds() error {
	switch {
	case len(a.Name) > MaxAttachmentName:
		return errAttachmentName
	case len(a.ContentType) > MaxContentType:
		return errContentType
	}
	return nil
}
