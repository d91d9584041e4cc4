package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

// testSummaries reads an account's projects page by page while one is added and one
// goes, and holds what is said of each state.
func testSummaries(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a, b := person(t, s, "a@example.com"), person(t, s, "b@example.com")
	must(s.CreateProject(ctx, b, "of-another"))(t)
	for state, way := range map[string][]ReleaseState{
		"empty": nil, "live": {Live}, "failed": {Failed}, "interrupted": {Live, Interrupted}, "pending": {Pending},
	} {
		p := must(s.CreateProject(ctx, a, state))(t)
		for _, to := range way {
			r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID, IR: []byte(`{"is":"` + state + `"}`)}))(t)
			if err := s.SetReleaseState(ctx, a, p.ID, r.Number, to, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	page := func(after, only string) string {
		t.Helper()
		for _, p := range must(s.Summaries(ctx, Page{AccountID: a.AccountID, After: after, Only: only, Limit: 2}))(t) {
			got = append(got, fmt.Sprintf("%s %d %q %t %t", p.Name, p.Live, p.IR, p.Interrupted, p.Tried))
			after = p.Name
		}
		return after
	}
	last := page("", "")
	must(s.CreateProject(ctx, a, "added-before"))(t)
	if _, err := s.DeleteProject(ctx, a, must(s.ProjectByName(ctx, last))(t).ID); err != nil {
		t.Fatal(err)
	}
	page(page(page(last, ""), ""), "")
	want := []string{
		`empty 0 "" false false`, `failed 0 "" false true`, `interrupted 1 "{\"is\":\"interrupted\"}" true true`,
		`live 1 "{\"is\":\"live\"}" false true`, `pending 0 "" false true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages are\n%q, want\n%q", got, want)
	}
	got = nil
	if page("", "live"); len(got) != 1 {
		t.Errorf("only one is %q", got)
	}
}

func testProjects(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a, b := person(t, s, "a@example.com"), person(t, s, "b@example.com")
	shop := must(s.CreateProject(ctx, a, "shop"))(t)
	backend := must(s.CreateProject(ctx, a, "backend"))(t)
	blog := must(s.CreateProject(ctx, b, "blog"))(t)
	_, err := s.CreateProject(ctx, b, "shop")
	wantErr(t, err, ErrExists)
	_, err = s.Project(ctx, b.AccountID, "shop")
	wantErr(t, err, ErrNotFound)
	if got := must(s.Project(ctx, a.AccountID, "shop"))(t); got != shop {
		t.Errorf("project is %+v, want %+v", got, shop)
	}
	if got := must(s.ProjectByName(ctx, "blog"))(t); got != blog {
		t.Errorf("project is %+v, want %+v", got, blog)
	}
	if got := must(s.Projects(ctx, a.AccountID))(t); !slices.Equal(got, []Project{backend, shop}) {
		t.Errorf("projects are %+v", got)
	}
	if got := must(s.AllProjects(ctx))(t); !slices.Equal(got, []Project{backend, blog, shop}) {
		t.Errorf("all projects are %+v", got)
	}
}

func testDeleteProject(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	for range 3 {
		must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
	}
	if err := errors.Join(
		s.SaveTree(ctx, a, p.ID, source.Manifest{}), s.SaveLayer(ctx, p.ID, Layer{Key: "k", SHA256: "aa", Size: 1}), s.BeginRelocation(ctx, a, Relocation{p.ID, "web-a", "s-1"}),
	); err != nil {
		t.Fatal(err)
	}
	if got := must(s.DeleteProject(ctx, a, p.ID))(t); got != (Removed{Releases: 3, Trees: 1, Layers: 1}) {
		t.Errorf("removed %+v", got)
	}
	_, err := s.DeleteProject(ctx, a, p.ID)
	wantErr(t, err, ErrNotFound)
	if again := must(s.CreateProject(ctx, a, "p"))(t); again.ID <= p.ID {
		t.Errorf("project id %d came back after %d", again.ID, p.ID)
	}
}
