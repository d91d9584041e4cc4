package nomadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// crash holds that a version that does not start leaves the one before in place.
func (s suite) crash(t *testing.T) {
	before := s.running(t, "app")
	crashes := s.service("app", "echo on stdout; exit 7")
	crashes.TaskGroups[0].Update.MinHealthyTime = new(5 * time.Second) // the machine may be busy
	_, err := s.up(t, crashes)
	failure, ok := errors.AsType[*nomad.Failure](err)
	if !ok {
		t.Fatalf("it came up: %v", err)
	}
	if failure.ExitCode != 7 || failure.Reason != "the new version does not start" || failure.Group != "web" || failure.Task != "app" || !slices.Contains(failure.Stdout, "on stdout") {
		t.Errorf("it failed as %+v", failure)
	}
	was := s.service("app", "exec sleep 601")
	s.eventually(t, "the job goes back by itself", func() bool { return !s.planned(t, was).Changed })
	if now := s.running(t, "app"); !slices.Equal(now, before) {
		t.Errorf("%v run, not %v", now, before)
	}
}

// takenOver holds that what a rollout has begun ends when another version is
// registered, and that the instance from before serves on.
func (s suite) takenOver(t *testing.T) {
	before := s.running(t, "app")
	slow := s.service("app", "exec sleep 602")
	slow.TaskGroups[0].Update.MinHealthyTime = new(90 * time.Second) // far beyond this test
	deployment, err := s.Place(t.Context(), slow, s.planned(t, slow).Index, nil)
	check(t, err)
	was := s.service("app", "exec sleep 601")
	if plan := s.planned(t, was); !plan.Changed || plan.Starts() != 0 {
		t.Errorf("plan of going back: %+v", plan)
	}
	_, err = s.up(t, was)
	check(t, err)
	if _, err := s.Follow(t.Context(), slow, deployment, nomad.Observer{}); err == nil {
		t.Error("the rollout that was taken over came up")
	}
	s.eventually(t, "only the old instance runs", func() bool { return slices.Equal(s.running(t, "app"), before) })
}

// noRoom holds that a plan says which group finds no place.
func (s suite) noRoom(t *testing.T) {
	job := s.service("other", "exec sleep 600")
	job.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(1 << 30)
	plan := s.planned(t, job)
	if len(plan.Unplaced) != 1 || plan.Unplaced[0].Group != "web" || !strings.HasPrefix(plan.Unplaced[0].Reason, fmt.Sprintf("server %q (%s, %s)", "web", s.class, s.region)) {
		t.Errorf("plan without room: %+v", plan)
	}
}

// blocked holds that a job without room, which was placed all the same, comes up when
// there is some.
func (s suite) blocked(t *testing.T) {
	room, err := s.Room(t.Context(), s.namespace)
	check(t, err)
	most := int64(0)
	for _, server := range room.Servers {
		if server.Class == s.class && server.Region == s.region {
			most = max(most, server.FreeMB)
		}
	}
	large := func(id string) *api.Job {
		job := s.service(id, "exec sleep 600")
		job.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(int(most * 6 / 10))
		return job
	}
	var fillers []string
	for len(s.planned(t, large("last")).Unplaced) == 0 {
		fillers = append(fillers, fmt.Sprintf("filler-%d", len(fillers)))
		_, err := s.up(t, large(fillers[len(fillers)-1]))
		check(t, err)
	}
	deployment, err := s.Place(t.Context(), large("last"), 0, []byte("# a test"))
	check(t, err)
	if running := s.running(t, "last"); len(running) > 0 {
		t.Errorf("%v run without room", running)
	}
	check(t, s.Stop(t.Context(), s.namespace, fillers[0]))
	if _, err := s.Follow(t.Context(), large("last"), deployment, nomad.Observer{}); err != nil || len(s.running(t, "last")) != 1 {
		t.Errorf("it does not come up when there is room: %v", err)
	}
	for _, id := range append(fillers, "last") {
		check(t, s.Stop(t.Context(), s.namespace, id))
	}
}

// gone holds that a job that was stopped is none.
func (s suite) gone(t *testing.T) {
	check(t, s.Stop(t.Context(), s.namespace, "app"))
	ids, err := s.JobIDs(t.Context(), s.namespace)
	check(t, err)
	if plan := s.planned(t, s.service("app", "exec sleep 600")); len(ids) > 0 || len(s.running(t, "app")) > 0 || plan.Index != 0 || plan.Starts() != 1 {
		t.Errorf("jobs %v, plan %+v", ids, plan)
	}
}

func (s suite) batch(t *testing.T) {
	var heard []string
	observer := nomad.BatchObserver{
		Output: func(line string) { heard = append(heard, line) },
		Failed: func(_ context.Context, f *nomad.Failure) { heard = append(heard, fmt.Sprint("failed ", f.ExitCode)) },
	}
	check(t, s.RunBatch(t.Context(), s.job("once", "batch", "echo one; echo two"), nil, observer))
	failure, ok := errors.AsType[*nomad.Failure](s.RunBatch(t.Context(), s.job("once", "batch", "echo three; exit 3"), nil, observer))
	if want := []string{"one", "two", "three", "failed 3"}; !slices.Equal(heard, want) || !ok || failure.ExitCode != 3 {
		t.Errorf("heard %q, failure %+v", heard, failure)
	}
	if ids, err := s.JobIDs(t.Context(), s.namespace); err != nil || len(ids) > 0 {
		t.Errorf("jobs %v are left: %v", ids, err)
	}
}

func (s suite) sysbatch(t *testing.T) {
	check(t, s.RunSysbatch(t.Context(), s.job("all", "sysbatch", "echo one"), nil))
	err := s.RunSysbatch(t.Context(), s.job("all", "sysbatch", "exit 3"), nil)
	if failure, ok := errors.AsType[*nomad.Failure](err); !ok || failure.ExitCode != 3 {
		t.Errorf("it failed by %v", err)
	}
}

// cancelled holds that nobody waits longer than he has time.
func (s suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.RunBatch(ctx, s.job("once", "batch", "exec sleep 600"), nil, nomad.BatchObserver{}); err == nil || ctx.Err() == nil {
		t.Errorf("it ended by %v", err)
	}
	if ids, err := s.JobIDs(t.Context(), s.namespace); err != nil || slices.Contains(ids, "once") {
		t.Errorf("jobs %v are left: %v", ids, err)
	}
}
