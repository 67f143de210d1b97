package seqs_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/seqs"
)

var errTest = errors.New("test")

// numbers yields 1 to n, then an error where there is one.
func numbers(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i+1, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

// read returns what a sequence yields up to most of it, and its error.
func read[T any](seq iter.Seq2[T, error], most int) (out []string, err error) {
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		if out = append(out, fmt.Sprint(v)); len(out) == most {
			break
		}
	}
	return out, nil
}

func TestBatched(t *testing.T) {
	for _, tt := range []struct {
		name    string
		n, most int
		err     error
		want    []string
	}{
		{"nothing", 0, 9, nil, nil},
		{"an error alone", 0, 9, errTest, nil},
		{"a part of a batch", 2, 9, nil, []string{"[1 2]"}},
		{"full batches", 6, 9, nil, []string{"[1 2 3]", "[4 5 6]"}},
		{"one more", 4, 9, nil, []string{"[1 2 3]", "[4]"}},
		{"an error behind a part", 4, 9, errTest, []string{"[1 2 3]", "[4]"}},
		{"an error behind full ones", 3, 9, errTest, []string{"[1 2 3]"}},
		{"who stops", 9, 1, errTest, []string{"[1 2 3]"}},
		{"who stops in front of an error", 4, 2, errTest, []string{"[1 2 3]", "[4]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(seqs.Batched(numbers(tt.n, tt.err), 3), tt.most)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
			if want := tt.err; err != want && len(got) < tt.most {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
}

func TestLimited(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  int
		want   []string
		failed bool
	}{
		{"no limit", 0, []string{"1", "2", "3"}, true},
		{"below", 2, []string{"1", "2"}, false},
		{"all, in front of the error", 3, []string{"1", "2", "3"}, false},
		{"above", 4, []string{"1", "2", "3"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(seqs.Limited(numbers(3, errTest), tt.limit), 9)
			if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.failed {
				t.Errorf("error %v, values (-want +got):\n%s", err, diff)
			}
		})
	}
}
