package docjson

import "iter"

// Members reads an object: it yields each member's name with the Reader standing
// at the value. A value that the loop leaves unread is skipped. Duplicate names
// are yielded each time; in CouchDB the last one counts.
//
// An error is yielded once, as the last thing: a BadRequest where the value is no
// object. After a break the Reader must not be used.
func (r *Reader) Members() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if kind, err := r.Kind(); err != nil || kind != Object {
			yield("", firstError(err, errObject))
			return
		}
		err := r.open('{')
		for first := true; err == nil; first = false {
			var more bool
			if more, err = r.next('}', first); err != nil || !more {
				break
			}
			var name string
			if name, err = r.memberName(); err != nil {
				break
			}
			if !r.yieldValue(func() bool { return yield(name, nil) }) {
				return
			}
			err = r.err
		}
		r.values++
		if err != nil {
			yield("", err)
		}
	}
}

// memberName reads a name and the colon behind it.
func (r *Reader) memberName() (string, error) {
	if kind, err := r.Kind(); err != nil || kind != String {
		return "", r.fail(firstError(err, errInvalid))
	}
	name, err := r.String()
	if err != nil {
		return "", err
	}
	return name, r.expect(':')
}

// Elements reads an array: it yields each element's index with the Reader
// standing at the element, under the same rules as Members.
func (r *Reader) Elements() iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		if kind, err := r.Kind(); err != nil || kind != Array {
			yield(0, firstError(err, errArray))
			return
		}
		err := r.open('[')
		for i := 0; err == nil; i++ {
			var more bool
			if more, err = r.next(']', i == 0); err != nil || !more {
				break
			}
			if !r.yieldValue(func() bool { return yield(i, nil) }) {
				return
			}
			err = r.err
		}
		r.values++
		if err != nil {
			yield(0, err)
		}
	}
}

// yieldValue lets the loop's body read a value, and reads it where the body did
// not. It reports whether the loop goes on.
func (r *Reader) yieldValue(body func() bool) bool {
	before := r.values
	if !body() {
		return false
	}
	if r.values == before && r.err == nil {
		_ = r.Skip() // its error is in r.err
	}
	return true
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// String reads a string. A value that is none is a BadRequest and stays unread;
// a string of more than MaxValue bytes is RequestTooLarge.
func (r *Reader) String() (string, error) {
	if kind, err := r.Kind(); err != nil || kind != String {
		return "", firstError(err, errString)
	}
	r.pos++
	var whole []byte
	for {
		part, done, err := r.stringPart()
		if err != nil {
			return "", err
		}
		if done {
			r.values++
			return string(whole), nil
		}
		if len(whole)+len(part) > MaxValue {
			return "", r.fail(errLarge)
		}
		whole = append(whole, part...)
	}
}

// Value reads any value and returns its text in the form that CouchDB prints; the
// caller owns it. A value of more than MaxValue bytes is RequestTooLarge.
func (r *Reader) Value() ([]byte, error) {
	b := builder{limit: MaxValue, over: errLarge}
	if err := r.build(&b); err != nil {
		return nil, r.fail(err)
	}
	return b.text, nil
}

// Skip reads any value and keeps nothing of it.
func (r *Reader) Skip() error {
	c, err := r.peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		err = r.skipObject()
	case '[':
		err = r.skipArray()
	case '"':
		err = r.skipString()
	case 't':
		err = r.literal("true")
	case 'f':
		err = r.literal("false")
	case 'n':
		err = r.literal("null")
	default:
		_, err = r.readNumber()
	}
	r.values++
	return err
}

func (r *Reader) skipObject() error {
	if err := r.open('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := r.next('}', first); err != nil || !more {
			return err
		}
		if err := r.skipString(); err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
}

func (r *Reader) skipArray() error {
	if err := r.open('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := r.next(']', first); err != nil || !more {
			return err
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
}

func (r *Reader) skipString() error {
	if err := r.expect('"'); err != nil {
		return err
	}
	for {
		if _, done, err := r.stringPart(); err != nil || done {
			return err
		}
	}
}
