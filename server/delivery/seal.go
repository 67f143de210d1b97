package delivery

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"time"

	"filippo.io/age"

	"settle/attachments"
	"settle/storage/couch"
)

const (
	attachmentName = "content.age"
	attachmentType = "application/age"
	// padding is what the length of the sealed metadata is a multiple of, in bytes.
	padding = 512
)

// Who has sealed a content.
const (
	byServer = "server"
	byClient = "client"
)

// sealed is a content in the blob store.
type sealed struct {
	couch.Attachment
	by string
}

// store puts the content into the blob store, sealed as it comes.
func (d *delivery) store() (sealed, error) {
	stored := sealed{by: byClient}
	in := io.Reader(d.content)
	encrypted, err := isEncrypted(d.content.Reader)
	switch {
	case err != nil:
		return stored, err
	case len(d.recipients) == 0 && (!encrypted || d.metadata != nil):
		return stored, errNoRecipients
	case !encrypted:
		stored.by = byServer
		if in, err = age.EncryptReader(d.content, d.recipients...); err != nil {
			return stored, err
		}
	}
	pending, err := d.write(in)
	if err != nil {
		return stored, err
	}
	if err := d.content.end(); err != nil {
		pending.Discard()
		return stored, err
	}
	stored.Attachment = couch.Attachment{
		Name: attachmentName, ContentType: attachmentType, RevPos: 1,
		Blob: pending.BlobID(), Pending: pending, Digest: pending.Digest(), Length: pending.Length(),
	}
	return stored, nil
}

// write puts what in gives into the blob store, no more than the quota has room for.
func (d *delivery) write(in io.Reader) (*attachments.Pending, error) {
	limit := d.Limits().MaxAttachmentSize
	if d.room == couch.NoQuota || limit > 0 && limit <= d.room {
		return d.db.WriteBlob(d.Context(), in, limit)
	}
	pending, err := d.db.WriteBlob(d.Context(), in, d.room)
	if errors.Is(err, &couch.Error{Kind: couch.AttachmentTooLarge}) {
		err = couch.ErrOverQuota
	}
	return pending, err
}

// document makes the document of a delivery, received at a time.
func (d *delivery) document(stored sealed, received time.Time) (*couch.Document, error) {
	about, err := d.sealAbout()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(struct {
		Type       string `json:"type"`
		ReceivedAt string `json:"received_at"`
		Size       int64  `json:"size"`
		SealedBy   string `json:"sealed_by"`
		Sealed     string `json:"sealed,omitempty"`
	}{"delivery", received.UTC().Format("2006-01-02T15:04:05.000Z"), stored.Length, stored.by, about})
	if err != nil {
		return nil, err
	}
	return &couch.Document{ID: d.newID(), Body: couch.Body{Text: text}, Attachments: []couch.Attachment{stored.Attachment}}, nil
}

// partition is where deliveries are in a database that has partitions.
const partition = "delivery:"

func (d *delivery) newID() couch.DocID {
	var raw [16]byte
	rand.Read(raw[:])
	id := couch.DocID(hex.EncodeToString(raw[:]))
	if d.db.Partitioned() {
		return partition + id
	}
	return id
}

// about is what is told of a content to those who can open it.
type about struct {
	ContentType string          `json:"content_type"`
	Metadata    json.RawMessage `json:"metadata"`
	Length      int64           `json:"length"`
	SHA256      string          `json:"sha256"`
	DeliveryID  string          `json:"delivery_id"`
	Database    string          `json:"database"`
}

// sealAbout returns, in base64, what is told of the content, sealed; "" where there
// is nobody to seal it to.
func (d *delivery) sealAbout() (string, error) {
	if len(d.recipients) == 0 {
		return "", nil
	}
	text, err := json.Marshal(about{
		ContentType: d.content.kind, Metadata: d.metadata,
		Length: d.content.length, SHA256: hex.EncodeToString(d.content.sum.Sum(nil)),
		DeliveryID: d.id.ID, Database: d.db.Name(),
	})
	if err != nil {
		return "", err
	}
	if rest := len(text) % padding; rest > 0 {
		text = append(text, bytes.Repeat([]byte{' '}, padding-rest)...)
	}
	var out bytes.Buffer
	in, err := age.EncryptReader(bytes.NewReader(text), d.recipients...)
	if err == nil {
		_, err = out.ReadFrom(in)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), err
}
