package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/go-kivik/kivik/v4"

	"settle/replication"
	"settle/storage/couch"
)

// Checkpoint reads a checkpoint. See [replication.Side].
func (r *Remote) Checkpoint(ctx context.Context, id string) (c *replication.Checkpoint, err error) {
	err = r.again(ctx, func() error {
		var text json.RawMessage
		c, err = nil, r.db.Get(ctx, couch.LocalPrefix+id).ScanDoc(&text)
		if err != nil && kivik.HTTPStatus(err) == http.StatusNotFound {
			return nil
		}
		if err == nil {
			c = replication.ParseCheckpoint(text)
		}
		return err
	})
	return c, r.refused(err)
}

// PutCheckpoint stores a checkpoint. Where there is another than was expected, because an
// answer got lost, it goes over that, once. See [replication.Side].
func (r *Remote) PutCheckpoint(ctx context.Context, id string, c *replication.Checkpoint) error {
	err := r.sendCheckpoint(ctx, id, c)
	if isConflict(err) {
		there, readErr := r.Checkpoint(ctx, id)
		if readErr != nil {
			return readErr
		}
		if there != nil && there.Rev != c.Rev {
			c.Rev = there.Rev
			err = r.sendCheckpoint(ctx, id, c)
		}
	}
	if isConflict(err) {
		return &replication.Error{Kind: replication.Failed, Reason: "a checkpoint was refused"}
	}
	return r.refused(err)
}

// sendCheckpoint is one attempt of PutCheckpoint.
func (r *Remote) sendCheckpoint(ctx context.Context, id string, c *replication.Checkpoint) error {
	text, err := c.Body()
	if err != nil {
		return err
	}
	if c.Rev != "" {
		rev, err := json.Marshal(c.Rev)
		if err != nil {
			return err
		}
		text = append(append(append([]byte(`{"_rev":`), rev...), ','), text[1:]...)
	}
	return r.again(ctx, func() error {
		res, err := r.do(ctx, request{method: http.MethodPut, path: "/_local/" + id, body: text, contentType: "application/json"})
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var said struct{ Rev string }
		if json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&said) != nil {
			return &replication.Error{Kind: replication.Failed, Reason: "the answer to a checkpoint is none"}
		}
		c.Rev = said.Rev
		return nil
	})
}

func isConflict(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && status.status == http.StatusConflict
}
