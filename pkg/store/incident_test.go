package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testIncidents(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p, q := must(s.CreateProject(ctx, a, "p"))(t), must(s.CreateProject(ctx, a, "q"))(t)
	for _, step := range []struct {
		told Incident
		new  bool
	}{
		{Incident{p.ID, "a1", "ended", 10}, true}, {Incident{p.ID, "a1", "ended", 10}, false}, {Incident{p.ID, "a1", "ended", 9}, false},
		{Incident{p.ID, "a1", "ended", 11}, true}, {Incident{p.ID, "a1", "critical", 0}, true}, {Incident{p.ID, "a1", "critical", 0}, false},
		{Incident{q.ID, "a2", "ended", 5}, true},
	} {
		if began := must(s.BeginIncident(ctx, step.told))(t); began != step.new {
			t.Errorf("%+v: new is %v", step.told, began)
		}
	}
	if diff := cmp.Diff([]Incident{{p.ID, "a1", "critical", 0}, {p.ID, "a1", "ended", 11}, {q.ID, "a2", "ended", 5}}, must(s.Incidents(ctx))(t)); diff != "" {
		t.Error(diff)
	}
	over := Incident{Allocation: "a1", Kind: "critical"}
	if !must(s.EndIncident(ctx, over))(t) || must(s.EndIncident(ctx, over))(t) {
		t.Error("what lasts does not end once")
	}
	must(s.DeleteProject(ctx, a, p.ID))(t)
	if diff := cmp.Diff([]Incident{{q.ID, "a2", "ended", 5}}, must(s.Incidents(ctx))(t)); diff != "" {
		t.Error(diff)
	}
}
