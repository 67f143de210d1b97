package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each flag of each command can be given as a variable, and none shares one with another
// of its command.
func TestFlagsHaveVariables(t *testing.T) {
	parser, err := newParser(&cli{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(false) {
		by := make(map[string]string)
		for _, group := range command.AllFlags(false) {
			for _, flag := range group {
				if flag.Name == "help" {
					continue
				}
				if len(flag.Envs) != 1 || !strings.HasPrefix(flag.Envs[0], "SETTLE_") {
					t.Errorf("%s --%s has the variables %v", command.Name, flag.Name, flag.Envs)
					continue
				}
				if other := by[flag.Envs[0]]; other != "" {
					t.Errorf("%s: --%s and --%s have %s", command.Name, other, flag.Name, flag.Envs[0])
				}
				by[flag.Envs[0]] = flag.Name
			}
		}
		if len(by) == 0 {
			t.Errorf("%s has no flags", command.Name)
		}
	}
}

// What the variables of a delivery say is what the flags would.
func TestDeliveryByVariables(t *testing.T) {
	for name, value := range map[string]string{
		"SETTLE_TO": "http://h/db", "SETTLE_ID": "1", "SETTLE_TYPE": "text/plain", "SETTLE_METADATA": "/m",
		"SETTLE_PASSWORD_FILE": "/p", "SETTLE_RECIPIENT": "age1a,age1b",
	} {
		t.Setenv(name, value)
	}
	var c cli
	parser, err := newParser(&c, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"deliver", "-"}); err != nil {
		t.Fatal(err)
	}
	want := deliverCmd{
		delivererFlags: delivererFlags{PasswordFile: "/p"}, To: "http://h/db", ID: "1", Type: "text/plain",
		Metadata: "/m", Recipient: []string{"age1a", "age1b"}, File: "-",
	}
	if diff := cmp.Diff(want, c.Deliver, cmp.AllowUnexported(deliverCmd{})); diff != "" {
		t.Error(diff)
	}
}
