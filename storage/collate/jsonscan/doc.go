// Package jsonscan walks JSON texts where they lie, without building values.
//
// It is made for texts that were checked before, such as stored documents in the
// form in which CouchDB prints them, and so looks only at what it is asked for:
// what is skipped is matched by its quotes and brackets, not checked in detail.
// On text that is no JSON it reports failure or finds nothing, never panics, and
// takes time linear in the text. Slices that it returns are parts of the text.
package jsonscan
