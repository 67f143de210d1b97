package databases

import (
	"net/http"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
)

// maxRevsLimit is more generations than any document has.
const maxRevsLimit = 1<<31 - 1

func getRevsLimit(r *web.Request) error {
	n, err := web.DatabaseOf[Database](r).RevsLimit(r.Context())
	if err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, strconv.AppendInt(nil, int64(n), 10))
}

func putRevsLimit(r *web.Request) error {
	body, err := r.ReadBody(64)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(body)))
	if err != nil || n <= 0 || n > maxRevsLimit {
		return couch.Errorf(couch.BadRequest, "`_revs_limit` must be a positive integer")
	}
	if err := web.DatabaseOf[Database](r).SetRevsLimit(r.Context(), n); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
