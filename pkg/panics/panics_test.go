package panics

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestDo(t *testing.T) {
	want := errors.New("an error")
	if err := Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
	err := Do(func() error {
		var none map[string]int
		none["a"] = 1
		return nil
	})
	met, ok := errors.AsType[*Panic](err)
	if !ok || !strings.Contains(err.Error(), "nil map") || !strings.Contains(string(met.Stack), "panics_test.go") {
		t.Errorf("%v", err)
	}
}

// TestEach holds that all of a list is done, each at its place, and that a panic in one
// is the error of all.
func TestEach(t *testing.T) {
	out := make([]int, 40)
	if err := EachAt(t.Context(), out, func(_ context.Context, i int, _ int) error { out[i] = i; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, n := range out {
		if n != i {
			t.Fatalf("%v", out)
		}
	}
	err := Each(t.Context(), out, func(_ context.Context, n int) error {
		if n == 7 {
			panic("the seventh")
		}
		return nil
	})
	if met, ok := errors.AsType[*Panic](err); !ok || met.Value != "the seventh" {
		t.Errorf("%v", err)
	}
}
