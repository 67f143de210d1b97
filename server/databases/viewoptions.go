package databases

import (
	"slices"
	"strings"

	"settle/storage/couch"
)

// viewOptions are parameters of views with a reduce function. A list of documents
// is a view without one, so they are only checked.
type viewOptions struct {
	reduce     bool
	group      *bool // nil: not given
	groupLevel int
	levelGiven bool // group_level counts for more than group=true
}

var (
	errReduce       = couch.Errorf(couch.QueryParse, "Reduce is invalid for map-only views.")
	errGrouping     = couch.Errorf(couch.QueryParse, "Invalid use of grouping on a map view.")
	errGroupLevel   = couch.Errorf(couch.QueryParse, "Can't specify group=false and group_level>0 at the same time")
	errNoPartitions = couch.Errorf(couch.QueryParse, "`partition` parameter is not supported on this db")
)

// check refuses what a view without a reduce function does not have. The error is
// a QueryParse.
func (v viewOptions) check() error {
	grouped := v.group != nil && *v.group
	switch {
	case v.group != nil && !grouped && v.groupLevel > 0:
		return errGroupLevel
	case v.reduce:
		return errReduce
	case v.groupLevel > 0, grouped && !v.levelGiven:
		return errGrouping
	}
	return nil
}

func setGroup(o *listOptions, text string) error {
	o.view.group = new(bool)
	return setBool(o.view.group, text)
}

func setGroupLevel(o *listOptions, text string) error {
	o.view.levelGiven = true
	return setCount(&o.view.groupLevel, text)
}

// oneOf checks a parameter that must be one of some words.
func oneOf(name string, words ...string) func(*listOptions, string) error {
	return func(_ *listOptions, text string) error {
		if !slices.Contains(words, strings.Trim(text, `"`)) {
			return couch.Errorf(couch.QueryParse, "Invalid value for `%s`.", name)
		}
		return nil
	}
}

// setPartition takes the name of a partition. The error is an IllegalPartition.
func setPartition(o *listOptions, text string) error {
	o.partition = strings.Trim(text, `"`)
	return couch.ValidatePartition(o.partition)
}
