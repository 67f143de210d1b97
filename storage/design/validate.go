package design

import (
	"context"
	"encoding/json"
	"fmt"
)

// Update is a document as a validation function sees it: JSON texts. Old is nil
// where there is none.
type Update struct {
	New, Old          []byte
	UserCtx, Security []byte
}

// Validates reports whether the design document has a validation function.
func (d *Document) Validates() bool {
	value, ok := d.members.get("validate_doc_update")
	return ok && !isNull(value)
}

// Validate runs the validation function, if there is one. It returns nil where the
// function accepts the update. The error is an *Error with the name "forbidden" or
// "unauthorized", and any JSON as its reason, where the function throws an object
// with such a member; UnknownError where it throws another value that is no Error;
// else as of Filter.
func (d *Document) Validate(ctx context.Context, u Update) error {
	if !d.Validates() {
		return nil
	}
	if err := d.javaScript(); err != nil {
		return err
	}
	old := u.Old
	if old == nil {
		old = []byte("null")
	}
	args := fmt.Sprintf("[%s,%s,%s,%s]", u.New, old, u.UserCtx, u.Security)
	thrown, err := d.functions.call(ctx, "validate", args)
	if err != nil || thrown == "" {
		return err
	}
	return refusal(thrown)
}

// refusal is the error for what a validation function threw.
func refusal(thrown string) error {
	members, err := parseObject([]byte(thrown))
	if err != nil {
		return &Error{Name: UnknownError, Reason: json.RawMessage(thrown)}
	}
	for _, name := range []string{"forbidden", "unauthorized"} {
		if reason, ok := members.get(name); ok {
			return &Error{Name: name, Reason: reason}
		}
	}
	if len(members) == 1 {
		return &Error{Name: UnknownError, Reason: members[0].value}
	}
	return &Error{Name: UnknownError, Reason: json.RawMessage(thrown)}
}
