package query

import (
	"net/http"
	"strconv"

	"settle/server/web"
	"settle/storage/docjson"
	"settle/storage/view"
)

// info describes the index of a design document.
func (q *Queries) info(r *web.Request) error {
	db := web.DatabaseOf[Database](r)
	doc, err := designOf(r)
	if err != nil {
		return err
	}
	definition, _ := view.ParseDesign(doc.Body.Text, db.Partitioned())
	index, err := q.indexes.Open(db.Whole(), definition, doc.ID)
	if err != nil {
		return err
	}
	info, err := index.Info(r.Context())
	if err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, appendInfo(nil, r.Param("design"), &info))
}

func appendInfo(b []byte, name string, info *view.Info) []byte {
	b = docjson.AppendString(append(b, `{"name":`...), name)
	pending := strconv.FormatInt(info.Pending, 10)
	b = append(b, `,"view_index":{"updates_pending":{"minimum":`+pending+`,"preferred":`+pending+`,"total":`+pending+`}`...)
	b = strconv.AppendInt(append(b, `,"waiting_commit":false,"waiting_clients":`...), info.Waiting, 10)
	b = strconv.AppendBool(append(b, `,"updater_running":`...), info.UpdaterRunning)
	b = strconv.AppendUint(append(b, `,"update_seq":`...), uint64(info.UpdateSeq), 10)
	b = strconv.AppendInt(append(b, `,"sizes":{"file":`...), info.Bytes, 10)
	b = strconv.AppendInt(append(b, `,"external":`...), info.Bytes, 10)
	b = strconv.AppendInt(append(b, `,"active":`...), info.Bytes, 10)
	b = docjson.AppendString(append(b, `},"signature":`...), info.Signature)
	b = strconv.AppendUint(append(b, `,"purge_seq":`...), info.PurgeSeq, 10)
	b = docjson.AppendString(append(b, `,"language":`...), info.Language)
	return append(b, `,"compact_running":false,"collator_versions":[]}}`...)
}

// cleanUp drops the indexes that no design document uses.
func (q *Queries) cleanUp(r *web.Request) error {
	if err := q.indexes.Cleanup(r.Context(), web.DatabaseOf[Database](r).Whole()); err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusAccepted, []byte(`{"ok":true}`))
}
