package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testVariables(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	_, err := s.Variables(ctx, p.ID, 1)
	wantErr(t, err, ErrNotFound)
	if v := must(s.CurrentVariables(ctx, p.ID))(t); v != 0 {
		t.Errorf("version %d of none", v)
	}
	first := Variables{Version: 1, Mark: ".x", By: "a@example.com", CreatedAt: c.now(), Names: []Variable{{Name: "A", Version: 1, By: "a@example.com", At: c.now(), Bytes: 64}}}
	if err := s.SaveVariables(ctx, a, p.ID, first); err != nil {
		t.Fatal(err)
	}
	second := first
	second.Mark, second.By = ".y", "b@example.com" // the first was never written
	if err := s.SaveVariables(ctx, a, p.ID, second); err != nil {
		t.Fatal(err)
	}
	if got := must(s.Variables(ctx, p.ID, 1))(t); !cmp.Equal(got, second) {
		t.Error(cmp.Diff(second, got))
	}
	if err := s.SetCurrentVariables(ctx, a, p.ID, 1); err != nil {
		t.Fatal(err)
	}
	if v := must(s.CurrentVariables(ctx, p.ID))(t); v != 1 {
		t.Errorf("version %d is taken, not 1", v)
	}
	// A release that becomes live brings its own.
	for n, version := range []int{3, 0} {
		r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID, EnvVersion: version}))(t)
		if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Live, ""); err != nil {
			t.Fatal(err)
		}
		if v := must(s.CurrentVariables(ctx, p.ID))(t); v != version {
			t.Errorf("release %d: version %d is taken, not %d", n+1, v, version)
		}
	}
	must(s.DeleteProject(ctx, a, p.ID))(t)
	_, err = s.Variables(ctx, p.ID, 1)
	wantErr(t, err, ErrNotFound)
}
