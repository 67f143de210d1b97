package mail

import (
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // headers in other character sets
	"github.com/emersion/go-message/mail"
)

// About is what is told of a message beside its content. What a message does not say,
// or says in a form that nobody can read, is empty.
type About struct {
	From        string   `json:"from"`
	To          []string `json:"to"`
	Subject     string   `json:"subject"`
	Date        string   `json:"date,omitempty"` // RFC 3339, in UTC
	MessageID   string   `json:"message_id"`     // without the angle brackets
	Size        int64    `json:"size"`           // of the message, in bytes
	Attachments []string `json:"attachments"`    // their names
}

// Bounds on what is told, so that it fits into the metadata of a delivery.
const (
	maxText  = 1 << 10 // bytes of one text
	maxName  = 200     // bytes of an address or a name
	maxNames = 40
	// maxDepth and maxParts bound what is read of a message that nests for ever.
	maxDepth = 20
	maxParts = 1000
	// maxHeader bounds the header of a message, or of a part, in bytes.
	maxHeader = 1 << 20
)

// ReadAbout reads what a message says about itself; size is its length in bytes. A
// message that is broken says less.
func ReadAbout(r io.Reader, size int64) About {
	about := About{Size: size, To: []string{}, Attachments: []string{}}
	entity, err := message.ReadWithOptions(r, &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if entity == nil || err != nil && !isReadable(err) {
		return about
	}
	header := mail.Header{Header: entity.Header}
	about.From = strings.Join(addresses(header, "From", 3), ", ")
	about.To = append(about.To, addresses(header, "To", maxNames)...)
	subject, err := header.Subject()
	if err != nil {
		subject = header.Get("Subject")
	}
	about.Subject = text(subject, maxText)
	if date, err := header.Date(); err == nil && !date.IsZero() && date.Year() > 0 && date.Year() < 10000 {
		about.Date = date.UTC().Format(time.RFC3339)
	}
	if id, err := header.MessageID(); err == nil {
		about.MessageID = text(id, maxText)
	} else {
		about.MessageID = text(strings.Trim(header.Get("Message-Id"), "<> "), maxText)
	}
	w := walk{parts: maxParts}
	w.entity(entity, 0)
	about.Attachments = append(about.Attachments, w.names...)
	return about
}

// isReadable reports whether an error leaves an entity that can be read.
func isReadable(err error) bool {
	return message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)
}

// addresses returns the addresses of a header, each as a reader shows it; where they
// cannot be told apart all of them as one.
func addresses(header mail.Header, key string, most int) []string {
	list, err := header.AddressList(key)
	if err != nil {
		raw, decodeErr := header.Text(key)
		if decodeErr != nil {
			raw = header.Get(key)
		}
		if raw = text(raw, maxName); raw == "" {
			return nil
		}
		return []string{raw}
	}
	var out []string
	for _, a := range list[:min(len(list), most)] {
		shown := text(a.Address, maxName)
		if name := text(a.Name, maxName); name != "" {
			shown = name + " <" + shown + ">"
		}
		out = append(out, shown)
	}
	return out
}

// walk gathers the names of attachments.
type walk struct {
	parts int // that may still be read
	names []string
}

// entity looks at a message or a part of it, which is left as far as it can be read.
func (w *walk) entity(e *message.Entity, depth int) {
	if name := attachmentName(e.Header); name != "" && len(w.names) < maxNames {
		w.names = append(w.names, name)
	}
	parts := e.MultipartReader()
	if parts == nil || depth == maxDepth {
		return
	}
	for w.parts > 0 && len(w.names) < maxNames {
		w.parts--
		part, err := parts.NextPart()
		if part == nil || err != nil && !isReadable(err) {
			return
		}
		w.entity(part, depth+1)
	}
}

// attachmentName returns the name of a part that has one; "" of others.
func attachmentName(h message.Header) string {
	_, params, _ := h.ContentDisposition()
	name := params["filename"]
	if name == "" {
		_, params, _ = h.ContentType()
		name = params["name"]
	}
	return text(name, maxName)
}

// text makes a text from outside one line of UTF-8, of at most so many bytes.
func text(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
