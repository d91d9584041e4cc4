package nomadtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
)

// Scheduler is what package nomad does of which the suite holds how it is done.
type Scheduler interface {
	Registered
	Placing
	Batches
	Instances
	Nodes
}

// Registered are namespaces and the jobs in them.
type Registered interface {
	EnsureNamespace(ctx context.Context, name, description string) error
	DeleteNamespace(ctx context.Context, name string) error
	JobIDs(ctx context.Context, namespace string) ([]string, error)
	Tag(ctx context.Context, namespace, jobID, name, description string) error
}

// Placing brings a job up.
type Placing interface {
	Plan(ctx context.Context, job *api.Job) (nomad.Plan, error)
	Room(ctx context.Context, namespace string) (nomad.Room, error)
	Place(ctx context.Context, job *api.Job, index uint64, source []byte) (deployment string, err error)
	Follow(ctx context.Context, job *api.Job, deployment string, observer nomad.Observer) (nomad.Rollout, error)
	Settle(ctx context.Context, namespace string) (waited bool, err error)
}

// Batches run to their end, or are told to end.
type Batches interface {
	RunBatch(ctx context.Context, job *api.Job, source []byte, observer nomad.BatchObserver) error
	RunSysbatch(ctx context.Context, job *api.Job, source []byte) error
	Stop(ctx context.Context, namespace, id string) error
}

// Instances are what runs of a job.
type Instances interface {
	Instances(ctx context.Context, namespace, jobID string) ([]nomad.Instance, error)
	Address(ctx context.Context, namespace, allocation string) (string, error)
	ReadFile(ctx context.Context, namespace, allocation, path string, limit int64) ([]byte, error)
}

// Nodes are the servers.
type Nodes interface {
	Datacenters(ctx context.Context, exceptClass string) ([]string, error)
	Drains(ctx context.Context, index uint64) (drains []nomad.Drain, next uint64, err error)
	On(ctx context.Context, node string) ([]nomad.Place, error)
}

// Conform is what every Nomad does, this one and the real one. It has a namespace of
// its own, and jobs that a node with 64 MB can carry, of the given class and region.
func Conform(t *testing.T, s Scheduler, namespace, class, region string) {
	ctx := t.Context()
	check(t, s.EnsureNamespace(ctx, namespace, "of a test"))
	check(t, s.EnsureNamespace(ctx, namespace, "of a test"))
	all := suite{s, namespace, class, region}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"nothing", all.nothing}, {"first", all.first}, {"drift", all.drift}, {"replaced", all.replaced}, {"in place", all.inPlace},
		{"groups", all.groups}, {"crash", all.crash}, {"taken over", all.takenOver}, {"no room", all.noRoom}, {"blocked", all.blocked}, {"gone", all.gone},
		{"batch", all.batch}, {"sysbatch", all.sysbatch}, {"cancelled", all.cancelled},
	} {
		t.Log(test.name) // a bubble of synctest has no tests within
		test.run(t)
	}
	ids, err := s.JobIDs(ctx, namespace)
	check(t, err)
	for _, id := range ids {
		check(t, s.Stop(ctx, namespace, id))
	}
	check(t, s.DeleteNamespace(ctx, namespace))
	check(t, s.DeleteNamespace(ctx, namespace))
}

// suite is a Nomad under test. Its tests follow each other: the job "app" goes on.
type suite struct {
	Scheduler
	namespace, class, region string
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// service is a job that runs a shell's script.
func (s suite) service(id, script string, groups ...string) *api.Job {
	job := s.job(id, "service", script)
	group := job.TaskGroups[0]
	group.Update = &api.UpdateStrategy{
		MaxParallel: new(1), Canary: new(1), AutoPromote: new(true), AutoRevert: new(true), HealthCheck: new("task_states"),
		MinHealthyTime: new(100 * time.Millisecond), HealthyDeadline: new(2 * time.Minute), ProgressDeadline: new(4 * time.Minute),
	}
	group.RestartPolicy = &api.RestartPolicy{Attempts: new(3), Interval: new(time.Minute), Delay: new(100 * time.Millisecond), Mode: new("fail"), RenderTemplates: new(false)}
	job.TaskGroups = nil
	for _, name := range append([]string{"web"}, groups...) {
		one := *group
		one.Name = new(name)
		job.TaskGroups = append(job.TaskGroups, &one)
	}
	return job
}

// job is one that is tried one time.
func (s suite) job(id, kind, script string) *api.Job {
	return &api.Job{
		ID: new(id), Name: new(id), Namespace: new(s.namespace), Type: new(kind), Datacenters: []string{s.region},
		TaskGroups: []*api.TaskGroup{{
			Name: new("web"), Count: new(1),
			Constraints:   []*api.Constraint{api.NewConstraint("${node.class}", "=", s.class), api.NewConstraint("${node.datacenter}", "=", s.region)},
			RestartPolicy: &api.RestartPolicy{Attempts: new(0), Mode: new("fail"), RenderTemplates: new(false)},
			Volumes:       map[string]*api.VolumeRequest{"usr": {Name: "usr", Type: "host", Source: "fngen-usr", ReadOnly: true}},
			Tasks: []*api.Task{{
				Name: "app", Driver: "exec", Config: map[string]any{"command": "/usr/bin/sh", "args": []string{"-c", script}},
				Resources: &api.Resources{CPU: new(10), MemoryMB: new(16)}, KillTimeout: new(time.Second),
				VolumeMounts: []*api.VolumeMount{{Volume: new("usr"), Destination: new("/usr"), ReadOnly: new(true)}},
			}},
		}},
	}
}

// up plans and places a job and follows it to its end.
func (s suite) up(t *testing.T, job *api.Job) (nomad.Rollout, error) {
	t.Helper()
	plan, err := s.Plan(t.Context(), job)
	check(t, err)
	deployment, err := s.Place(t.Context(), job, plan.Index, []byte("# a test"))
	check(t, err)
	return s.Follow(t.Context(), job, deployment, nomad.Observer{})
}

func (s suite) planned(t *testing.T, job *api.Job) nomad.Plan {
	t.Helper()
	plan, err := s.Plan(t.Context(), job)
	check(t, err)
	return plan
}

// running are the instances of a job, by id.
func (s suite) running(t *testing.T, id string) []string {
	t.Helper()
	instances, err := s.Instances(t.Context(), s.namespace, id)
	check(t, err)
	var out []string
	for _, i := range instances {
		out = append(out, i.Allocation)
	}
	return out
}

// nothing holds what is said of what is not there.
func (s suite) nothing(t *testing.T) {
	ids, err := s.JobIDs(t.Context(), s.namespace)
	check(t, err)
	waited, err := s.Settle(t.Context(), s.namespace)
	check(t, err)
	check(t, s.Stop(t.Context(), s.namespace, "app"))
	regions, err := s.Datacenters(t.Context(), "platform")
	check(t, err)
	if len(ids) > 0 || waited || len(s.running(t, "app")) > 0 || !slices.Contains(regions, s.region) {
		t.Errorf("jobs %v, waited %v, regions %v", ids, waited, regions)
	}
	if _, err := s.Address(t.Context(), s.namespace, "0badc0de-0000-0000-0000-000000000000"); err == nil {
		t.Error("an allocation that does not exist has an address")
	}
	if _, err := s.ReadFile(t.Context(), s.namespace, "0badc0de-0000-0000-0000-000000000000", "app/local/x", 1); err == nil {
		t.Error("an allocation that does not exist has a file")
	}
	if _, next, err := s.Drains(t.Context(), 0); err != nil || next == 0 {
		t.Errorf("drains at index %d: %v", next, err)
	}
}

// first brings a job up and looks at it from all sides.
func (s suite) first(t *testing.T) {
	job := s.service("app", "exec sleep 600")
	if plan := s.planned(t, job); plan.Index != 0 || !plan.Changed || plan.Starts() != 1 || len(plan.Unplaced) > 0 {
		t.Errorf("plan of a new job: %+v", plan)
	}
	rollout, err := s.up(t, job)
	check(t, err)
	if plan := s.planned(t, job); plan.Index == 0 || plan.Changed || len(plan.Groups) != 1 || plan.Groups[0].Keep != 1 {
		t.Errorf("plan of what runs: %+v", plan)
	}
	instances, err := s.Instances(t.Context(), s.namespace, "app")
	check(t, err)
	if len(instances) != 1 || !slices.Equal(rollout.Allocations, []string{instances[0].Allocation}) || !instances[0].Healthy || instances[0].Group != "web" ||
		!slices.Equal(instances[0].Args, []string{"-c", "exec sleep 600"}) {
		t.Fatalf("it runs as %+v, the rollout has %v", instances, rollout)
	}
	places, err := s.On(t.Context(), instances[0].NodeID)
	check(t, err)
	if !slices.Contains(places, nomad.Place{Namespace: s.namespace, Job: "app", Group: "web"}) {
		t.Errorf("on its node are %v", places)
	}
	room, err := s.Room(t.Context(), s.namespace)
	check(t, err)
	if len(room.Held) != 1 || room.Held[0].Job != "app" || room.Held[0].MB < 16 || !slices.ContainsFunc(room.Servers, func(n nomad.Server) bool { return n.ID == instances[0].NodeID }) {
		t.Errorf("room %+v", room)
	}
	check(t, s.Tag(t.Context(), s.namespace, "app", "release-1", "of a test"))
	check(t, s.Tag(t.Context(), s.namespace, "app", "release-1", "of a test"))
}

// drift holds that a job is registered at the index of its plan only.
func (s suite) drift(t *testing.T) {
	job := s.service("app", "exec sleep 700")
	for _, index := range []uint64{0, s.planned(t, job).Index - 1} {
		_, err := s.Place(t.Context(), job, index, nil)
		if _, drift := errors.AsType[nomad.ErrDrift](err); !drift {
			t.Errorf("at index %d: %v", index, err)
		}
	}
	if plan := s.planned(t, s.service("app", "exec sleep 600")); plan.Changed {
		t.Errorf("something was changed: %+v", plan)
	}
}

// replaced holds that a new instance takes the old one's place when it is healthy.
func (s suite) replaced(t *testing.T) {
	before := s.running(t, "app")
	job := s.service("app", "exec sleep 601")
	plan := s.planned(t, job)
	if !plan.Changed || plan.Starts() != 1 || len(plan.Diff) == 0 || plan.Groups[0].Canary != 1 {
		t.Errorf("plan of a change: %+v", plan)
	}
	deployment, err := s.Place(t.Context(), job, plan.Index, nil)
	check(t, err)
	var heard []nomad.GroupHealth
	rollout, err := s.Follow(t.Context(), job, deployment, nomad.Observer{Progress: func(now []nomad.GroupHealth) { heard = now }})
	check(t, err)
	if len(rollout.Allocations) != 1 || slices.Equal(before, rollout.Allocations) || !slices.Equal(heard, []nomad.GroupHealth{{Group: "web", Healthy: 1, Desired: 1}}) {
		t.Errorf("rollout %v, before %v, heard %v", rollout, before, heard)
	}
	if now := s.running(t, "app"); !slices.Equal(now, rollout.Allocations) {
		t.Errorf("%v run, not %v", now, rollout.Allocations)
	}
	_, err = s.Settle(t.Context(), s.namespace)
	check(t, err)
	if waited, err := s.Settle(t.Context(), s.namespace); waited || err != nil {
		t.Errorf("something still drains: %v", err)
	}
}

// inPlace holds that how a job is updated can be changed without a new instance.
func (s suite) inPlace(t *testing.T) {
	before := s.running(t, "app")
	job := s.service("app", "exec sleep 601")
	job.TaskGroups[0].Update.HealthyDeadline = new(3 * time.Minute)
	if plan := s.planned(t, job); !plan.Changed || plan.Starts() != 0 || len(plan.Diff) == 0 {
		t.Errorf("plan of a change in place: %+v", plan)
	}
	rollout, err := s.up(t, job)
	check(t, err)
	if now := s.running(t, "app"); !slices.Equal(now, before) || !slices.Equal(rollout.Allocations, before) {
		t.Errorf("%v run, not %v; the rollout has %v", now, before, rollout)
	}
}

// groups holds what becomes of a group that comes and goes.
func (s suite) groups(t *testing.T) {
	both := s.service("app", "exec sleep 601", "more")
	rollout, err := s.up(t, both)
	check(t, err)
	if now := s.running(t, "app"); len(now) != 2 || len(rollout.Allocations) != 2 {
		t.Errorf("%v run; the rollout has %v", now, rollout)
	}
	one := s.service("app", "exec sleep 601")
	plan := s.planned(t, one)
	if !slices.ContainsFunc(plan.Groups, func(g nomad.GroupPlan) bool { return g.Group == "more" && g.Stop == 1 }) || plan.Starts() != 0 {
		t.Errorf("plan without a group: %+v", plan)
	}
	_, err = s.up(t, one)
	check(t, err)
	if now := s.running(t, "app"); len(now) != 1 {
		t.Errorf("%v run", now)
	}
}

func (s suite) eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
