package metaview

import "settle/storage/couch"

// NewForm returns the metadata form in which attachments of up to inlineMax bytes
// stay what they are; 0: none do.
func NewForm(inlineMax int64) couch.Form {
	return func(d *couch.Document) *couch.Document {
		shown := *d
		shown.Form = nil
		var deferred []couch.Attachment
		shown.Attachments, deferred = split(d.Attachments, inlineMax)
		shown.Body = couch.Body{Text: listed(d.Body.Text, deferred)}
		return &shown
	}
}

// split tells the attachments that stay from those that are deferred.
func split(atts []couch.Attachment, inlineMax int64) (inline, deferred []couch.Attachment) {
	for _, a := range atts {
		if inlineMax > 0 && a.Length <= inlineMax {
			inline = append(inline, a)
		} else {
			deferred = append(deferred, a)
		}
	}
	return inline, deferred
}

// listed returns a body's text with a list of attachments, where there are any. An
// empty list that the body has of its own goes, other values stay.
func listed(text []byte, atts []couch.Attachment) []byte {
	if m, ok := find(text); ok {
		entries, isList, err := parseEntries(text[m.value:m.to])
		switch {
		case !isList || err != nil, len(entries) > 0 && len(atts) == 0:
			return text
		}
		text = m.cutText(text)
	}
	if len(atts) == 0 {
		return text
	}
	const perEntry = 160
	out := make([]byte, 0, len(text)+len(quotedMember)+perEntry*len(atts))
	out = append(out, text[:len(text)-1]...)
	if len(text) > len("{}") {
		out = append(out, ',')
	}
	return append(appendEntries(append(out, quotedMember...), atts), '}')
}
