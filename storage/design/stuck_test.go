package design_test

import (
	"fmt"
	"testing"
	"time"

	"settle/storage/design"
)

// A built-in function that cannot be interrupted is given up: its caller gets an
// error, its functions are refused until it has ended, others' run.
func TestGivenUpCalls(t *testing.T) {
	e := design.New(design.Options{Time: loopTime / 4, Grace: 100 * time.Millisecond})
	defer e.Close()
	// The guard of indexOf sees another length than indexOf, which runs for several times
	// as long as it may.
	stuck := `function (doc) { if (doc.long) [].indexOf.call({n: 0, get length() { return this.n++ ? doc.long : 0; }}, 1); emit(1); }`
	started := time.Now()
	_, err := mapOne(t, e, stuck, fmt.Sprintf(`{"long":%d}`, 80_000_000/(slow*slow)))
	if !isNamed(err, design.OSProcessError) {
		t.Fatalf("error %v after %v", err, time.Since(started))
	}
	if _, err := mapOne(t, e, `function (doc) { emit(2); }`, `{}`); err != nil {
		t.Errorf("another function: %v", err)
	}
	_, err = mapOne(t, e, stuck, `{}`)
	if !isNamed(err, design.OSProcessError) {
		t.Errorf("not refused: %v", err)
	}
	for {
		_, err := mapOne(t, e, stuck, `{}`)
		if err == nil {
			break
		}
		if !isNamed(err, design.OSProcessError) {
			t.Fatal(err)
		}
		if time.Since(started) > 10*time.Minute {
			t.Fatal("still refused")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
