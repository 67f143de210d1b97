package databases

import (
	"net/http"
	"strconv"
	"time"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// info describes a database.
func (d *Databases) info(r *web.Request) error {
	text, err := d.appendInfo(nil, r, web.DatabaseOf[Database](r))
	if err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, text)
}

// appendInfo appends what `GET /{db}` says of a database.
func (d *Databases) appendInfo(b []byte, r *web.Request, db Database) ([]byte, error) {
	info, err := db.Info(r.Context())
	if err != nil {
		return b, err
	}
	info.CompactRunning = info.CompactRunning || d.compactions.running(info.Incarnation)
	return AppendInfo(b, &info, db.FormatSeq), nil
}

// AppendInfo appends what is told of a database, as JSON. formatSeq prints its sequence
// numbers.
func AppendInfo(b []byte, info *couch.DatabaseInfo, formatSeq func(couch.Seq) string) []byte {
	b = append(b, `{"instance_start_time":"`...)
	b = append(append(b, instanceStart(info)...), '"')
	b = docjson.AppendString(append(b, `,"db_name":`...), info.Name)
	b = docjson.AppendString(append(b, `,"purge_seq":`...), formatSeq(couch.Seq(info.PurgeSeq)))
	b = docjson.AppendString(append(b, `,"update_seq":`...), formatSeq(info.UpdateSeq))
	b = strconv.AppendInt(append(b, `,"sizes":{"file":`...), info.Sizes.File, 10)
	b = strconv.AppendInt(append(b, `,"external":`...), info.Sizes.External, 10)
	b = strconv.AppendInt(append(b, `,"active":`...), info.Sizes.Active, 10)
	b = append(b, `},"props":{`...)
	if info.Partitioned {
		b = append(b, `"partitioned":true`...)
	}
	b = strconv.AppendInt(append(b, `},"doc_del_count":`...), info.DeletedCount, 10)
	b = strconv.AppendInt(append(b, `,"doc_count":`...), info.DocCount, 10)
	b = append(b, `,"disk_format_version":8,"compact_running":`...)
	b = strconv.AppendBool(b, info.CompactRunning)
	return append(b, `,"cluster":{"q":1,"n":1,"w":1,"r":1}}`...)
}

// instanceStart is when the database was made, in seconds since 1970. Peers tell
// by it whether the database is still the one they began with.
func instanceStart(info *couch.DatabaseInfo) string {
	return strconv.FormatInt(time.UnixMicro(info.InstanceStart).Unix(), 10)
}
