// Package validation judges what is written by the design documents of its database:
// these are checked when they are stored, and their functions `validate_doc_update`
// are run on the other documents.
package validation

import (
	"context"
	"errors"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
	"settle/storage/edits"
)

// Validator runs the functions of design documents. It is safe for concurrent use.
type Validator struct {
	engine *design.Engine
	// security is shown to functions where no security object was set, JSON.
	security string
}

var _ storage.Validator = (*Validator)(nil)

// New returns a validator. defaultSecurity, JSON, is the security object of a database
// for which none was set.
func New(engine *design.Engine, defaultSecurity string) *Validator {
	return &Validator{engine: engine, security: defaultSecurity}
}

// CheckDesign refuses a design document that is not one by its form, or whose views do
// not compile, by a *design.Error. The err is the context's.
func (v *Validator) CheckDesign(ctx context.Context, scope couch.Incarnation, d *couch.Document) (refusal, err error) {
	opened, err := v.engine.Document(scope, print(d, false))
	if err == nil {
		err = opened.CheckShape()
	}
	if err == nil {
		err = opened.CheckViews(ctx)
	}
	return apart(err)
}

// apart tells what is wrong with a function from what ends the whole batch.
func apart(err error) (refusal, fatal error) {
	if _, ok := errors.AsType[*design.Error](err); ok {
		return err, nil
	}
	return nil, err
}

// Rules returns the judge that a design document's validation function is. Where the
// document cannot be read every update is refused with that error.
func (v *Validator) Rules(database string, scope couch.Incarnation, d *couch.Document) (judge edits.Judge, size int) {
	text := print(d, false)
	opened, err := v.engine.Document(scope, text)
	if err != nil {
		return func(context.Context, edits.Update) (refusal, fatal error) { return apart(err) }, 0
	}
	if !opened.Validates() {
		return nil, 0
	}
	judge = func(ctx context.Context, u edits.Update) (refusal, fatal error) {
		return apart(opened.Validate(ctx, v.update(ctx, database, u)))
	}
	return judge, sizeFactor * len(text)
}

// sizeFactor is what an opened design document takes in memory, in its texts.
const sizeFactor = 3

// update prints what a function is shown. A document that comes has its whole history.
func (v *Validator) update(ctx context.Context, database string, u edits.Update) design.Update {
	shown := design.Update{
		New: print(u.New, true), Security: u.Security,
		UserCtx: docjson.AppendUserCtx(nil, database, couch.UserOf(ctx)),
	}
	if u.Old != nil {
		shown.Old = print(design.Shown(u.Old), true)
	}
	if len(shown.Security) == 0 {
		shown.Security = []byte(v.security)
	}
	return shown
}

// print prints a document; with revs for a function, with the history that it has.
func print(d *couch.Document, revs bool) []byte {
	return docjson.AppendDocument(nil, d, docjson.Print{Revs: revs})
}
