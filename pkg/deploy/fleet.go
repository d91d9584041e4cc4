package deploy

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// withLeft is the job with the groups, as was has them, of those servers that it
// leaves; nil when it leaves none. Nomad stops a group that a job no longer has
// when the job is registered, whatever its update says of canaries: registered at
// once, a push that renames the only server would stop all that serves before
// anything new has started.
func withLeft(job, was *nomadapi.Job) *nomadapi.Job {
	if was == nil {
		return nil
	}
	both := *job
	both.TaskGroups, both.Datacenters = slices.Clone(job.TaskGroups), slices.Clone(job.Datacenters)
	for _, g := range was.TaskGroups {
		if !slices.ContainsFunc(job.TaskGroups, func(now *nomadapi.TaskGroup) bool { return *now.Name == *g.Name }) {
			both.TaskGroups = append(both.TaskGroups, g)
			both.Datacenters = append(both.Datacenters, was.Datacenters...)
		}
	}
	if len(both.TaskGroups) == len(job.TaskGroups) {
		return nil
	}
	slices.Sort(both.Datacenters)
	both.Datacenters = slices.Compact(both.Datacenters)
	return &both
}
