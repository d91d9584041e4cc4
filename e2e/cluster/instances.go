package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"

	nomad "github.com/hashicorp/nomad/api"
)

// Nomad is one client for all: each keeps connections, of which Nomad allows an
// address a hundred.
var Nomad = sync.OnceValues(func() (*nomad.Client, error) { return nomad.NewClient(nomad.DefaultConfig()) })

// Allocations are all that were ever made for a project, the oldest first.
func Allocations(ctx context.Context, project string) ([]*nomad.AllocationListStub, error) {
	client, err := Nomad()
	if err != nil {
		return nil, err
	}
	allocs, _, err := client.Allocations().List((&nomad.QueryOptions{Namespace: project}).WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("list allocations of %s: %w", project, err)
	}
	slices.SortFunc(allocs, func(a, b *nomad.AllocationListStub) int { return int(a.CreateIndex) - int(b.CreateIndex) })
	return allocs, nil
}

// Running are the allocations of a project that run and are to.
func Running(ctx context.Context, project string) ([]*nomad.AllocationListStub, error) {
	allocs, err := Allocations(ctx, project)
	return slices.DeleteFunc(allocs, func(a *nomad.AllocationListStub) bool {
		return a.ClientStatus != nomad.AllocClientStatusRunning || a.DesiredStatus != nomad.AllocDesiredStatusRun
	}), err
}
