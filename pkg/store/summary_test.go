package store

import (
	"fmt"
	"slices"
	"testing"
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
