package jobs

import (
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// staying keeps Nomad from moving the instances of a group off a server that is
// drained. When there is one instance, Nomad would stop it in the moment in which
// it starts another, and nobody would answer until that one is up; the control
// plane moves it instead (AwayFrom). With more of them Nomad moves one after the
// other while the rest answer. At the deadline of the drain Nomad moves whatever
// is still there.
//
// Nomad gives up healthy - (count - max_parallel) instances at a time
// (nomad/drainer/watch_jobs.go of v1.11.1).
func staying(count int) *nomad.MigrateStrategy {
	if count != 1 {
		return nil
	}
	return &nomad.MigrateStrategy{MaxParallel: new(0)}
}

// Stays reports whether Nomad leaves the one instance of a group on a server that
// is drained, so that it is the control plane's to move.
func Stays(g *nomad.TaskGroup) bool {
	return g.Count != nil && *g.Count == 1 && g.Migrate != nil && g.Migrate.MaxParallel != nil && *g.Migrate.MaxParallel == 0
}

// awayHealthy is how long the new instance of a job in the form of AwayFrom may
// take until Nomad says that it is unhealthy. The control plane gives up long
// before: a drain counts an instance that was found unhealthy among those that
// serve, and would take the old one away.
const awayHealthy = 10 * time.Minute

// AwayFrom is the job with given groups kept off a node. Registered, it replaces
// their instances on that node as a rollout does, by new ones beside them, and
// leaves all others alone. Registering job itself afterwards starts nothing.
func AwayFrom(job *nomad.Job, node string, groups []string) *nomad.Job {
	return withGroups(job, groups, func(g *nomad.TaskGroup) {
		g.Constraints = append(slices.Clone(g.Constraints), nomad.NewConstraint("${node.unique.id}", "!=", node))
		update := *g.Update
		update.HealthyDeadline, update.ProgressDeadline = new(awayHealthy), new(awayHealthy+time.Minute)
		g.Update = &update
	})
}
