package couch_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
)

func TestValidatePartitioned(t *testing.T) {
	for _, tt := range []struct {
		id     couch.DocID
		kind   couch.Kind
		reason string // empty: valid
	}{
		{"p:a", 0, ""}, {"p:a:b", 0, ""}, {"p::", 0, ""}, {"_design/d", 0, ""}, {"_local/l", 0, ""}, {"p:_design/d", 0, ""},
		{"a", couch.IllegalDocID, "Doc id must be of form partition:id"},
		{":a", couch.IllegalPartition, "Partition must not be empty"},
		{"_p:a", couch.IllegalPartition, "Partition must not start with an underscore"},
		{"\xff:a", couch.IllegalPartition, "Partition must be valid UTF-8"},
		{"p:", couch.IllegalDocID, "Document id must not be empty"},
		{"p:_a", couch.IllegalDocID, "Only reserved document ids may start with underscore."},
	} {
		err := tt.id.ValidatePartitioned()
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%q: %v", tt.id, err)
			}
			continue
		}
		var known *couch.Error
		if !errors.As(err, &known) || known.Kind != tt.kind || known.Reason != tt.reason {
			t.Errorf("%q: %v, want %s", tt.id, err, tt.reason)
		}
	}
}

func TestValidatePartition(t *testing.T) {
	for name, valid := range map[string]bool{"p": true, "p_": true, "ü": true, "": false, "_p": false, "p:": false, "a:b": false, "\xff": false} {
		if err := couch.ValidatePartition(name); (err == nil) != valid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCheckPartition(t *testing.T) {
	for id, valid := range map[couch.DocID]bool{"p:a": true, ":a": true, "_design/d": true, "_x": true, "": false, "a": false} {
		if err := id.CheckPartition(); (err == nil) != valid {
			t.Errorf("%q: %v", id, err)
		}
	}
}
