package databases

import (
	"net/http"
	"strconv"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxPurge bounds what one request asks to be purged, in bytes.
const maxPurge = 16 << 20

// purge removes revisions as if they had never been: {"id":["rev",…],…}.
func (d *Databases) purge(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	db, err := d.named(r)
	if err != nil {
		return err
	}
	body, err := r.OpenBody()
	if err != nil {
		return err
	}
	asks, err := readPurge(docjson.NewReader(body))
	if err == nil {
		err = checkPurge(asks, r.Limits(), db.Partitioned())
	}
	if err != nil {
		return err
	}
	purged, err := db.Purge(r.Context(), asks)
	if err != nil {
		return err
	}
	list := r.NewList(`{"purge_seq":null,"purged":{`, ",")
	list.SetStatus(http.StatusCreated)
	for _, p := range purged {
		item := append(docjson.AppendString(nil, string(p.ID)), ':')
		if err := list.Item(docjson.AppendRevs(item, p.Revs)); err != nil {
			return err
		}
	}
	return list.Close("}}\n")
}

// named returns the database of the path, for routes that are the server
// administrators': those are checked before the database is looked up.
func (d *Databases) named(r *web.Request) (Database, error) {
	return d.store.Database(r.Context(), r.Param("db"))
}

// readPurge reads the body of a purge. Of several members of one name the last
// counts.
func readPurge(r *docjson.Reader) ([]couch.RevsAsk, error) {
	if err := viewparams.RequireObject(r); err != nil {
		return nil, err
	}
	var asks []couch.RevsAsk
	places := make(map[string]int)
	size := 0
	for id, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		revs, err := readRevs(r)
		if err != nil {
			return nil, err
		}
		for _, rev := range revs {
			size += len(rev.Hash) + 32
		}
		if size += len(id) + 64; size > maxPurge {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
		if i, ok := places[id]; ok {
			asks[i].Revs = revs
			continue
		}
		places[id] = len(asks)
		asks = append(asks, couch.RevsAsk{ID: couch.DocID(id), Revs: revs})
	}
	return asks, r.End()
}

// checkPurge refuses to purge more at once than the configuration allows, and what no
// document of a partitioned database can be.
func checkPurge(asks []couch.RevsAsk, limits couch.Limits, partitioned bool) error {
	if max := limits.MaxPurgedDocs; max > 0 && int64(len(asks)) > max {
		return couch.Errorf(couch.BadRequest, "Exceeded maximum number of documents.")
	}
	revs := 0
	for _, ask := range asks {
		revs += len(ask.Revs)
	}
	if max := limits.MaxPurgedRevs; max > 0 && int64(revs) > max {
		return couch.Errorf(couch.BadRequest, "Exceeded maximum number of revisions.")
	}
	for _, ask := range asks {
		if err := ask.ID.CheckPartition(); partitioned && err != nil {
			return err
		}
	}
	return nil
}

// readRevs reads the list of revisions at which r stands.
func readRevs(r *docjson.Reader) ([]couch.RevID, error) {
	if kind, err := r.Kind(); err != nil {
		return nil, err
	} else if kind != docjson.Array {
		return nil, couch.Errorf(couch.BadRequest, "Invalid list of revisions")
	}
	var revs []couch.RevID
	for i, err := range r.Elements() {
		if err != nil {
			return nil, err
		}
		if i > maxPurge/32 {
			return nil, &couch.Error{Kind: couch.RequestTooLarge}
		}
		if kind, err := r.Kind(); err != nil {
			return nil, err
		} else if kind != docjson.String {
			return nil, couch.Errorf(couch.BadRequest, "Invalid rev format")
		}
		text, err := r.String()
		if err != nil {
			return nil, err
		}
		rev, err := couch.ParseRev(text)
		if err != nil {
			return nil, err
		}
		revs = append(revs, rev)
	}
	return revs, nil
}

// purgedInfos lists what was asked to be purged, in the order of the ids.
func (d *Databases) purgedInfos(r *web.Request) error {
	db, err := d.named(r)
	if err != nil {
		return err
	}
	list := r.NewList(`{"purged_infos":[`, ",")
	for p, err := range db.PurgedInfos(r.Context()) {
		if err != nil {
			return err
		}
		item := docjson.AppendString([]byte(`{"id":`), string(p.ID))
		item = append(docjson.AppendRevs(append(item, `,"revs":`...), p.Revs), '}')
		if err := list.Item(item); err != nil {
			return err
		}
	}
	return list.Close("]}\n")
}

func (d *Databases) getPurgedInfosLimit(r *web.Request) error {
	db, err := d.named(r)
	if err != nil {
		return err
	}
	n, err := db.PurgedInfosLimit(r.Context())
	if err != nil {
		return err
	}
	return r.WriteRawJSON(http.StatusOK, strconv.AppendInt(nil, int64(n), 10))
}

func (d *Databases) putPurgedInfosLimit(r *web.Request) error {
	db, err := d.named(r)
	if err != nil {
		return err
	}
	n, err := readLimit(r, "`purged_infos_limit` must be positive integer")
	if err != nil {
		return err
	}
	if err := db.SetPurgedInfosLimit(r.Context(), n); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
