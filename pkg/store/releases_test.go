package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testReleases(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	_, err := s.LiveRelease(ctx, p.ID)
	wantErr(t, err, ErrNotFound)
	in := Release{ProjectID: p.ID, Tree: "sha256:x", Entry: "a.py", Layer: "k", EnvVersion: 3, IR: []byte(`{"a":1}`), Jobs: []byte(`[]`)}
	first := must(s.AddRelease(ctx, a, in))(t)
	want := in
	want.Number, want.State, want.By, want.CreatedAt = 1, Pending, "a@example.com", c.now()
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, must(s.Release(ctx, p.ID, 1))(t)); diff != "" {
		t.Error(diff)
	}
	second := must(s.AddRelease(ctx, a, in))(t)
	if got := numbers(must(s.UnfinishedReleases(ctx))(t)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("unfinished are %v", got)
	}
	for _, r := range []Release{first, second} {
		if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Live, ""); err != nil {
			t.Fatal(err)
		}
		if got := must(s.LiveRelease(ctx, p.ID))(t); got.Number != r.Number || !got.LiveAt.Equal(c.now()) {
			t.Errorf("release %d is live since %v, want %d", got.Number, got.LiveAt, r.Number)
		}
	}
	if got := must(s.Release(ctx, p.ID, 1))(t); got.State != Superseded {
		t.Errorf("release 1 is %s", got.State)
	}
	if got := must(s.NextRelease(ctx, p.ID))(t); got != 3 {
		t.Errorf("the next release is %d", got)
	}
	if got := numbers(must(s.Releases(ctx, p.ID))(t)); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("releases are %v", got)
	}
}

func numbers(rs []Release) []int {
	out := []int{}
	for _, r := range rs {
		out = append(out, r.Number)
	}
	return out
}

func testReleaseNumbers(t *testing.T, s *Store, _ *clock) {
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(t.Context(), a, "p"))(t)
	const pushes = 20
	got := make([]int, pushes)
	var wg sync.WaitGroup
	for i := range pushes {
		wg.Go(func() {
			r, err := s.AddRelease(t.Context(), a, Release{ProjectID: p.ID})
			if err != nil {
				t.Error(err)
			}
			got[i] = r.Number
			if err := s.SetReleaseState(t.Context(), a, p.ID, r.Number, Live, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, n := range got {
		if n != i+1 {
			t.Fatalf("numbers are %v", got)
		}
	}
	live := 0
	for _, r := range must(s.Releases(t.Context(), p.ID))(t) {
		if r.State == Live {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%d releases are live", live)
	}
}

func testMoves(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	legal := map[string]bool{
		"pending live": true, "pending failed": true, "pending superseded": true,
		"live superseded": true, "live failed": true, "superseded pending": true,
		"pending interrupted": true, "interrupted failed": true, "interrupted superseded": true,
	}
	states := []ReleaseState{Pending, Interrupted, Live, Failed, Superseded}
	for _, from := range states {
		for _, to := range states {
			p := must(s.CreateProject(ctx, a, string(from)+"-"+string(to)))(t)
			r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
			if err := s.SetReleaseState(ctx, a, p.ID, r.Number, from, ""); err != nil {
				t.Fatal(err)
			}
			err := s.SetReleaseState(ctx, a, p.ID, r.Number, to, "why")
			want := from == to || legal[fmt.Sprintf("%s %s", from, to)]
			if (err == nil) != want || err != nil && !errors.Is(err, ErrState) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
	wantErr(t, s.SetReleaseState(ctx, a, 1, 99, Live, ""), ErrNotFound)
}

// testInterrupted holds that an interrupted release stays known as unfinished, with
// the newest reason, until it is undone.
func testInterrupted(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
	for _, reason := range []string{"no leader", "no room"} {
		if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Interrupted, reason); err != nil {
			t.Fatal(err)
		}
		left := must(s.UnfinishedReleases(ctx))(t)
		if len(left) != 1 || left[0].State != Interrupted || left[0].Reason != reason {
			t.Errorf("unfinished are %+v, want one because of %q", left, reason)
		}
	}
	if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Failed, "undone"); err != nil {
		t.Fatal(err)
	}
	if left := must(s.UnfinishedReleases(ctx))(t); len(left) != 0 {
		t.Errorf("unfinished are %+v", left)
	}
}

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

// testEvents holds that the events of a release are there in their order, once each, and
// go with what else is kept of it.
func testEvents(t *testing.T, s *Store, c *clock) {
	r := newRetained(t, s)
	ctx := t.Context()
	for _, tree := range []string{"a", "b"} {
		r.release(r.tree(tree), "", "")
	}
	add := func(number, first, last int, lines string) {
		t.Helper()
		if err := s.AddEvents(ctx, Events{r.p.ID, number, first, last, []byte(lines)}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(number, after int) (out []string) {
		t.Helper()
		for _, e := range must(s.Events(ctx, r.p.ID, number, after))(t) {
			out = append(out, fmt.Sprintf("%d-%d %s", e.First, e.Last, e.Lines))
		}
		return out
	}
	add(1, 1, 2, "one\ntwo")
	add(1, 10, 10, "ten")
	add(1, 3, 9, "three")
	add(1, 3, 9, "again")
	add(2, 1, 1, "other")
	if got := read(1, 0); !slices.Equal(got, []string{"1-2 one\ntwo", "3-9 three", "10-10 ten"}) {
		t.Errorf("%q", got)
	}
	if got := read(1, 2); !slices.Equal(got, []string{"3-9 three", "10-10 ten"}) {
		t.Errorf("after the second: %q", got)
	}
	if err := s.AddEvents(ctx, Events{r.p.ID, 9, 1, 1, []byte("x")}); err == nil {
		t.Error("a release that is not there has events")
	}
	if err := s.ForgetEvents(ctx, r.p.ID, 2); err != nil || len(read(2, 0)) > 0 {
		t.Errorf("forgotten: %v, %q", err, read(2, 0))
	}
	add(2, 2, 2, "live")
	c.pass(8 * 24 * time.Hour)
	r.sweep(1)
	if len(read(1, 0)) > 0 || len(read(2, 0)) != 1 {
		t.Errorf("after a week there are %q of the first and %q of the live release", read(1, 0), read(2, 0))
	}
	must(s.DeleteProject(ctx, r.a, r.p.ID))(t)
	if got := read(2, 0); len(got) > 0 {
		t.Errorf("of a project that is gone there are %q", got)
	}
}
