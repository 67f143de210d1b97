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

// readLimit reads a body that is a number. refusal is the reason for what is none, or no
// limit.
func readLimit(r *web.Request, refusal string) (int, error) {
	body, err := r.ReadBody(64)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(body)))
	if err != nil || n <= 0 || n > maxRevsLimit {
		return 0, &couch.Error{Kind: couch.BadRequest, Reason: refusal}
	}
	return n, nil
}

func putRevsLimit(r *web.Request) error {
	n, err := readLimit(r, "`_revs_limit` must be a positive integer")
	if err != nil {
		return err
	}
	if err := web.DatabaseOf[Database](r).SetRevsLimit(r.Context(), n); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
