package server

import (
	"context"
	"errors"
	"time"

	"settle/server/config"
	"settle/storage/couch"
)

// expiryInterval is how late an abandoned upload is removed at the most.
const expiryInterval = time.Minute

// expireUploads removes abandoned uploads until ctx ends.
func expireUploads(ctx context.Context, o Options) {
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		if err := o.Store.ExpireUploads(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, couch.ErrUnavailable) {
			o.Logger.Warn("abandoned uploads could not be removed; they will be", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// uploadExpiry returns for how long uploads stay to which nothing is added.
func uploadExpiry(c *config.Config) func() time.Duration {
	return func() time.Duration { return time.Duration(c.Int(config.UploadExpiry)) * time.Second }
}
