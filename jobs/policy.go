package jobs

import (
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// once runs a batch job's task one time: one that fails says why, and trying again
// would only hide it.
func once() *nomad.RestartPolicy {
	return &nomad.RestartPolicy{Attempts: new(0), Mode: new("fail"), RenderTemplates: new(false)}
}

// never keeps the scheduler from trying a failed batch job on another machine.
func never() *nomad.ReschedulePolicy {
	return &nomad.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
}

// rolling starts a full new set beside the old one and takes the old one away
// when every new instance is healthy; else the old one stays. healthBy is what
// Nomad goes by: "checks" of a service, or "task_states". fetch is what a large tree
// takes longer. Nomad refuses a job that may take longer to stop than a rollout may
// take to go on.
func rolling(count int, healthBy string, minHealthy, killTimeout, fetch time.Duration) *nomad.UpdateStrategy {
	return &nomad.UpdateStrategy{
		MaxParallel: new(count), Canary: new(count), AutoPromote: new(true), AutoRevert: new(true),
		HealthCheck: new(healthBy), MinHealthyTime: new(minHealthy),
		HealthyDeadline: new(2*time.Minute + fetch), ProgressDeadline: new(max(5*time.Minute+fetch, killTimeout+time.Minute)),
	}
}

// fetchTime is what a server has for bringing a large tree: a minute a gigabyte.
func fetchTime(p *ir.Project) time.Duration { return time.Duration(p.TreeGB) * time.Minute }

// outOfReach is for a server of which Nomad hears nothing, dead or not. Another instance
// starts where there is room, and stays when the server is heard of again. Where there
// is none, what ran all along goes on then: Nomad by itself would stop it first, and
// start another after that.
func outOfReach() *nomad.DisconnectStrategy {
	return &nomad.DisconnectStrategy{LostAfter: new(time.Hour), Replace: new(true), Reconcile: new("keep_replacement")}
}

// restarts tries again in place three times, then lets the scheduler move the
// allocation to another machine. The delay is short, since nobody else serves
// meanwhile when there is one instance, and since a push waits for the second
// crash until it gives up.
func restarts() *nomad.RestartPolicy {
	return &nomad.RestartPolicy{
		Attempts: new(3), Interval: new(5 * time.Minute), Delay: new(500 * time.Millisecond), Mode: new("fail"),
		RenderTemplates: new(false),
	}
}
