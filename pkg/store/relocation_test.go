package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testRelocations(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p, q := must(s.CreateProject(ctx, a, "p"))(t), must(s.CreateProject(ctx, a, "q"))(t)
	want := []Relocation{{p.ID, "web-a", "s-1"}, {q.ID, "web-a", "s-1"}, {p.ID, "web-b", "s-1"}}
	for _, r := range want {
		if err := s.BeginRelocation(ctx, a, r); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Second)
	}
	if diff := cmp.Diff(want, must(s.Relocations(ctx))(t)); diff != "" {
		t.Error(diff)
	}
	again := Relocation{p.ID, "web-a", "s-2"}
	if err := errors.Join(s.BeginRelocation(ctx, a, again), s.EndRelocation(ctx, want[1])); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Relocation{want[2], again}, must(s.Relocations(ctx))(t)); diff != "" {
		t.Error(diff)
	}
	if err := s.EndRelocation(ctx, want[1]); err != nil { // what has ended may end again
		t.Error(err)
	}
}
