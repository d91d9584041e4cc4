package jobset

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// WithLeft is the job with the groups of those servers that it leaves, as the job
// before has them; nil when it leaves none. When a job is registered, Nomad stops the
// groups that it no longer has, whatever its update says of canaries. So a push that
// renames the only server would stop all that serves before anything new has started.
func WithLeft(job, before *nomadapi.Job) *nomadapi.Job {
	if before == nil {
		return nil
	}
	both := *job
	both.TaskGroups, both.Datacenters = slices.Clone(job.TaskGroups), slices.Clone(job.Datacenters)
	for _, g := range before.TaskGroups {
		if !slices.ContainsFunc(job.TaskGroups, func(now *nomadapi.TaskGroup) bool { return *now.Name == *g.Name }) {
			both.TaskGroups = append(both.TaskGroups, g)
			both.Datacenters = append(both.Datacenters, before.Datacenters...)
		}
	}
	if len(both.TaskGroups) == len(job.TaskGroups) {
		return nil
	}
	slices.Sort(both.Datacenters)
	both.Datacenters = slices.Compact(both.Datacenters)
	return &both
}
