package servertest

import (
	"errors"
	"slices"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/store"
)

// Conform holds what every deployer does, the real one and those of tests,
// with a project of a name that is free. tree makes what is pushed to it.
func Conform(t *testing.T, d server.Deployer, actor store.Actor, name string, tree func(store.Project) api.PushRequest) {
	ctx := t.Context()
	platform, err := d.Platform(ctx)
	check(t, err)
	if len(platform.Regions) == 0 || len(platform.Pythons) == 0 || !slices.Contains(platform.Powers, "webapp") {
		t.Errorf("the platform is %+v", platform)
	}
	p, err := d.Create(ctx, actor, name)
	check(t, err)
	if p.Name != name || p.ID == 0 {
		t.Errorf("the project is %+v", p)
	}
	if _, err := d.Create(ctx, actor, name); !taken(err) {
		t.Errorf("created again: %v", err)
	}
	status, err := d.Status(ctx, p)
	check(t, err)
	if status.Project != name || status.State != "empty" || status.Release != 0 || status.Functions == nil {
		t.Errorf("the status is %+v", status)
	}
	if none, err := d.List(nil); err != nil || none == nil || len(none) > 0 {
		t.Errorf("of no projects: %v, %v", none, err)
	}
	if one, err := d.List([]store.Summary{{Project: p}}); err != nil || len(one) != 1 || one[0].Name != name {
		t.Errorf("of one project: %+v, %v", one, err)
	}
	if releases, err := d.Releases(ctx, p); err != nil || releases == nil {
		t.Errorf("the releases are %v, %v", releases, err)
	}
	end := stream(t, func() (<-chan api.Event, error) { return d.Push(ctx, actor, p, tree(p)) })
	if end.Done == nil || end.Done.Project != name || end.Done.Release == 0 || !end.Done.Changed {
		t.Errorf("a push ended with %+v", end)
	}
	kept := stream(t, func() (<-chan api.Event, error) { return d.Events(ctx, p, end.Done.Release, true) })
	if kept.Done == nil || kept.Done.Release != end.Done.Release {
		t.Errorf("the kept events of it end with %+v", kept)
	}
	if _, err := d.Events(ctx, p, 999, true); err == nil {
		t.Error("a release that is not there has events")
	}
	stream(t, func() (<-chan api.Event, error) { return d.Rollback(ctx, actor, p, end.Done.Release) })
	gone, err := d.Destroy(ctx, actor, p)
	check(t, err)
	if gone.Project != name || gone.Jobs == nil {
		t.Errorf("destroyed is %+v", gone)
	}
	if _, err := d.Create(ctx, actor, name); err != nil {
		t.Errorf("created when it was destroyed: %v", err)
	}
}

// stream reads a change to its end: each event tells one thing, and the last one, and
// no other, how it ended.
func stream(t *testing.T, begin func() (<-chan api.Event, error)) api.Event {
	t.Helper()
	events, err := begin()
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return api.Event{Failed: problem} // refused before it began
	}
	check(t, err)
	var last api.Event
	for e := range events {
		things := 0
		for _, is := range []bool{e.Phase != nil, e.Output != nil, e.Done != nil, e.Failed != nil} {
			if is {
				things++
			}
		}
		if things != 1 {
			t.Errorf("an event tells %d things: %+v", things, e)
		}
		if last.Done != nil || last.Failed != nil {
			t.Errorf("after its end it goes on: %+v", e)
		}
		last = e
	}
	if last.Done == nil && last.Failed == nil {
		t.Fatalf("it ended with %+v", last)
	}
	return last
}

// taken reports whether an error says that a name is taken.
func taken(err error) bool {
	problem, ok := errors.AsType[*api.Problem](err)
	return errors.Is(err, store.ErrExists) || ok && problem.Code == api.Exists
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
