package jobs

import (
	"fmt"
	"strconv"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// The times of a worker that is told to stop. It takes no new task and lets
// those that run end, as long as each may take but at most maxDrain: what runs
// longer is broken off and goes back to its queue, for a push and a machine's
// maintenance cannot wait for half a day. stopGrace is for breaking off, and for
// handing the rest back.
const (
	maxDrain  = 15 * time.Minute
	stopGrace = 15 * time.Second
	// steady is how long a worker must have run to count as healthy. Nothing asks
	// it whether it is well, and an import that fails takes seconds to do so.
	steady = 10 * time.Second
)

// MaxKillTimeout is the longest that any job asks for between the signal to stop
// and the kill. Clients must allow it (max_kill_timeout): Nomad shortens what is
// longer and tells nobody.
const MaxKillTimeout = maxDrain + stopGrace

// Queue names the queue of a task worker's tasks. It belongs to the function and
// outlives its releases.
func Queue(p *ir.Project, f ir.Function) string { return "fn." + p.Name + "." + f.Name }

// taskWorker makes the job of a @task_worker function: one group per server
// definition. Its tasks come from the queue, so it has no port and no service.
func taskWorker(p *ir.Project, f ir.Function, r Release, c Cluster) (*nomad.Job, error) {
	job := &nomad.Job{
		ID: new(ID(f)), Name: new(ID(f)), Namespace: new(p.Name), Type: new("service"),
		Datacenters: regions(p.Servers),
		UI:          description(p, f, r),
	}
	job.UI.Description += " " + pace(f.TaskWorker)
	for _, s := range p.Servers {
		group, err := taskGroup(p, f, s, r, c)
		if err != nil {
			return nil, err
		}
		job.TaskGroups = append(job.TaskGroups, group)
	}
	return job, nil
}

func taskGroup(p *ir.Project, f ir.Function, s ir.Server, r Release, c Cluster) (*nomad.TaskGroup, error) {
	size, err := lookupSize(s)
	if err != nil {
		return nil, err
	}
	w := f.TaskWorker
	drain := min(w.Timeout.Duration(), maxDrain)
	pairs := append(functionPairs(p, f, s, r),
		"concurrency", strconv.Itoa(w.Concurrency), "timeout", w.Timeout.String(),
		"retries", strconv.Itoa(w.Retries), "drain", duration(drain), "queue", Queue(p, f), "api", c.APIURL)
	task := withBroker(withVariables(agentTask("worker", flags("work", pairs...), share(size, len(p.Functions))), p, r), p)
	task.KillTimeout = new(drain + stopGrace)
	return &nomad.TaskGroup{
		Name:          new(s.Name),
		Count:         new(s.Count),
		Constraints:   placement(s),
		Spreads:       spread(s.Count),
		Update:        rolling(s.Count, "task_states", steady, drain+stopGrace, fetchTime(p)),
		RestartPolicy: restarts(),
		Disconnect:    outOfReach(),
		Networks:      networked(),
		Volumes:       volumes(),
		Tasks:         []*nomad.Task{task},
	}, nil
}

// pace says in the Nomad UI how much a worker does.
func pace(w *ir.TaskWorker) string {
	return fmt.Sprintf("Each instance runs %s at a time, each for %s at most, and a task that fails %s.",
		count(w.Concurrency, "task"), w.Timeout, retried(w.Retries))
}

func retried(n int) string {
	if n == 0 {
		return "is not tried again"
	}
	return "is tried again " + count(n, "time")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
