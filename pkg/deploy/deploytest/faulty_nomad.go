package deploytest

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy"
)

type faultyNomad struct {
	deploy.Scheduler
	f *faults
}

func (n faultyNomad) EnsureNamespace(ctx context.Context, name, description string) error {
	return do(n.f, ctx, "nomad", "EnsureNamespace", func() error { return n.Scheduler.EnsureNamespace(ctx, name, description) })
}

func (n faultyNomad) DeleteNamespace(ctx context.Context, name string) error {
	return do(n.f, ctx, "nomad", "DeleteNamespace", func() error { return n.Scheduler.DeleteNamespace(ctx, name) })
}

func (n faultyNomad) Datacenters(ctx context.Context, except string) ([]string, error) {
	return call(n.f, ctx, "nomad", "Datacenters", func() ([]string, error) { return n.Scheduler.Datacenters(ctx, except) })
}

func (n faultyNomad) Plan(ctx context.Context, job *nomadapi.Job) (nomad.Plan, error) {
	return call(n.f, ctx, "nomad", "Plan", func() (nomad.Plan, error) { return n.Scheduler.Plan(ctx, job) })
}

func (n faultyNomad) Room(ctx context.Context, namespace string) (nomad.Room, error) {
	return call(n.f, ctx, "nomad", "Room", func() (nomad.Room, error) { return n.Scheduler.Room(ctx, namespace) })
}

func (n faultyNomad) Place(ctx context.Context, job *nomadapi.Job, index uint64, source []byte) (string, error) {
	return call(n.f, ctx, "nomad", "Place", func() (string, error) { return n.Scheduler.Place(ctx, job, index, source) })
}

func (n faultyNomad) Follow(ctx context.Context, job *nomadapi.Job, deployment string, o nomad.Observer) (nomad.Rollout, error) {
	return call(n.f, ctx, "nomad", "Follow", func() (nomad.Rollout, error) { return n.Scheduler.Follow(ctx, job, deployment, o) })
}

func (n faultyNomad) RunBatch(ctx context.Context, job *nomadapi.Job, source []byte, o nomad.BatchObserver) error {
	return do(n.f, ctx, "nomad", "RunBatch", func() error { return n.Scheduler.RunBatch(ctx, job, source, o) })
}

func (n faultyNomad) RunSysbatch(ctx context.Context, job *nomadapi.Job, source []byte) error {
	return do(n.f, ctx, "nomad", "RunSysbatch", func() error { return n.Scheduler.RunSysbatch(ctx, job, source) })
}

func (n faultyNomad) Settle(ctx context.Context, namespace string) (bool, error) {
	return call(n.f, ctx, "nomad", "Settle", func() (bool, error) { return n.Scheduler.Settle(ctx, namespace) })
}

func (n faultyNomad) Stop(ctx context.Context, namespace, id string) error {
	return do(n.f, ctx, "nomad", "Stop", func() error { return n.Scheduler.Stop(ctx, namespace, id) })
}

func (n faultyNomad) End(ctx context.Context, namespace, id string) error {
	return do(n.f, ctx, "nomad", "End", func() error { return n.Scheduler.End(ctx, namespace, id) })
}

func (n faultyNomad) JobIDs(ctx context.Context, namespace string) ([]string, error) {
	return call(n.f, ctx, "nomad", "JobIDs", func() ([]string, error) { return n.Scheduler.JobIDs(ctx, namespace) })
}

func (n faultyNomad) Instances(ctx context.Context, namespace, id string) ([]nomad.Instance, error) {
	return call(n.f, ctx, "nomad", "Instances", func() ([]nomad.Instance, error) { return n.Scheduler.Instances(ctx, namespace, id) })
}

func (n faultyNomad) Tag(ctx context.Context, namespace, id, name, description string) error {
	return do(n.f, ctx, "nomad", "Tag", func() error { return n.Scheduler.Tag(ctx, namespace, id, name, description) })
}

func (n faultyNomad) On(ctx context.Context, node string) ([]nomad.Place, error) {
	return call(n.f, ctx, "nomad", "On", func() ([]nomad.Place, error) { return n.Scheduler.On(ctx, node) })
}
