package databases

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"settle/server/web"
	"settle/storage/couch"
)

var errMaxBytes = &couch.Error{Kind: couch.BadRequest, Reason: "`max_bytes` must be a number of bytes, or null"}

// getQuota answers GET /{db}/_quota.
func getQuota(r *web.Request) error {
	q, err := web.DatabaseOf[Database](r).Quota(r.Context())
	if err != nil {
		return err
	}
	var max *int64
	if q.Max != couch.NoQuota {
		max = &q.Max
	}
	return r.WriteJSON(http.StatusOK, struct {
		MaxBytes         *int64 `json:"max_bytes"`
		UsedBytes        int64  `json:"used_bytes"`
		DocumentsBytes   int64  `json:"documents_bytes"`
		AttachmentsBytes int64  `json:"attachments_bytes"`
	}{max, q.Used(), q.Documents, q.Attachments})
}

// putQuota answers PUT /{db}/_quota.
func (d *Databases) putQuota(r *web.Request) error {
	var body map[string]json.RawMessage
	if err := r.DecodeJSON(&body); err != nil {
		return err
	}
	text, ok := body["max_bytes"]
	if !ok || len(body) != 1 {
		return errMaxBytes
	}
	max := int64(couch.NoQuota)
	if string(text) != "null" {
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil || n < 0 || n == math.MaxInt64 {
			return errMaxBytes
		}
		max = n
	}
	db, err := d.store.Database(r.Context(), r.Param("db"))
	if err != nil {
		return err
	}
	if err := db.SetQuota(r.Context(), max); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
