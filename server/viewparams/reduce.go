package viewparams

import (
	"slices"
	"strings"

	"settle/storage/couch"
)

var (
	errConflicts  = couch.Errorf(couch.QueryParse, "`conflicts` is invalid for reduce views.")
	errReduce     = couch.Errorf(couch.QueryParse, "Reduce is invalid for map-only views.")
	errGrouping   = couch.Errorf(couch.QueryParse, "Invalid use of grouping on a map view.")
	errGroupLevel = couch.Errorf(couch.QueryParse, "Can't specify group=false and group_level>0 at the same time")
)

// CheckMap refuses what a view without a reduce function, or a list of documents, does
// not have. The error is a QueryParse.
func (o *Params) CheckMap() error {
	grouped := o.Group != nil && *o.Group
	switch {
	case o.Group != nil && !grouped && o.GroupLevel > 0:
		return errGroupLevel
	case o.Reduce != nil && *o.Reduce:
		return errReduce
	case o.GroupLevel > 0, grouped && !o.levelGiven:
		return errGrouping
	}
	return nil
}

// CheckReduce refuses what a query that reduces cannot say. The error is a QueryParse.
func (o *Params) CheckReduce() error {
	switch {
	case o.Group != nil && !*o.Group && o.GroupLevel > 0:
		return errGroupLevel
	case o.conflictsGiven:
		return errConflicts
	}
	return nil
}

func setGroupLevel(o *Params, text string) error {
	o.levelGiven = true
	return o.setCount(&o.GroupLevel, text)
}

// oneOf takes a parameter that must be one of some words.
func oneOf(to *string, text, name string, words ...string) error {
	*to = strings.Trim(text, `"`)
	if !slices.Contains(words, *to) {
		return couch.Errorf(couch.QueryParse, "Invalid value for `%s`.", name)
	}
	return nil
}

// setStale takes the older form of `update`.
func setStale(o *Params, text string) error {
	var stale string
	if err := oneOf(&stale, text, "stale", "ok", "update_after"); err != nil {
		return err
	}
	o.Update = map[string]string{"ok": "false", "update_after": "lazy"}[stale]
	return nil
}

// setPartition takes the name of a partition. The error is an IllegalPartition, or a
// BadRequest where the path names another one.
func setPartition(o *Params, text string) error {
	o.Partition = strings.Trim(text, `"`)
	if o.within != "" && o.Partition != o.within {
		return errPartitionConflict
	}
	return couch.ValidatePartition(o.Partition)
}
