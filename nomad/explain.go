package nomad

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// shownLines is how much of a failed instance's output a person gets to see.
const shownLines = 50

// tailBytes is how much of each stream is read for that.
const tailBytes = 64 << 10

// Failure is a rollout or a batch job that did not succeed, with what a person
// needs to see why.
type Failure struct {
	Job string
	// Reason is one sentence.
	Reason string
	// NoRoom says that no server had room for it, so that nothing was started.
	NoRoom bool
	// Allocation is the one that tells most, Group and Task what it is of; empty when
	// there was none.
	Allocation, Group, Task string
	// Events are what Nomad noted about it beside the routine, oldest first, each once.
	Events []string
	// ExitCode is that of the last crash; -1 when there was none.
	ExitCode int
	// Started and Ended are when it began and ended that time, by the node's clock.
	Started, Ended time.Time
	// OutOfMemory says that the kernel ended it because it took more memory than
	// its server has for it.
	OutOfMemory bool
	// Stdout and Stderr hold the last lines of its output.
	Stdout, Stderr []string
}

// Error is the reason alone; the rest is shown apart.
func (f *Failure) Error() string { return f.Reason }

// explain gathers what is known of the worst allocation of a failed rollout. It
// never fails: what cannot be read is left out.
func (c *Client) explain(ctx context.Context, job *api.Job, reason string, allocs []*api.AllocationListStub) *Failure {
	out := &Failure{Job: *job.ID, Reason: reason, ExitCode: -1}
	alloc := worst(allocs)
	if alloc == nil {
		return out
	}
	out.Allocation, out.Group = alloc.ID, alloc.TaskGroup
	for task, state := range alloc.TaskStates {
		out.Task = task
		out.take(state.Events)
		out.Stdout = append(out.Stdout, c.tail(ctx, alloc, task, "stdout")...)
		out.Stderr = append(out.Stderr, c.tail(ctx, alloc, task, "stderr")...)
	}
	return out
}

// routine events say of no task why it failed.
var routine = []string{api.TaskReceived, api.TaskSetup, api.TaskStarted, api.TaskRestarting}

// take reads what Nomad noted, of which a restart says the same again.
func (f *Failure) take(events []*api.TaskEvent) {
	var started time.Time
	for _, e := range events {
		text := e.Type + ": " + e.DisplayMessage
		if e.DisplayMessage != "" && !slices.Contains(routine, e.Type) && !slices.Contains(f.Events, text) {
			f.Events = append(f.Events, text)
		}
		switch e.Type {
		case api.TaskStarted:
			started = time.Unix(0, e.Time)
		case api.TaskTerminated:
			f.ExitCode, f.Started, f.Ended = e.ExitCode, started, time.Unix(0, e.Time)
			f.OutOfMemory = e.Details["oom_killed"] == "true"
		}
	}
}

// worst is the allocation that tells most: a failed one before a running one.
func worst(allocs []*api.AllocationListStub) *api.AllocationListStub {
	var out *api.AllocationListStub
	events := -1
	for _, a := range allocs {
		n := 0
		for _, state := range a.TaskStates {
			n += len(state.Events)
			if state.Failed {
				n += 1000
			}
		}
		if n > events {
			out, events = a, n
		}
	}
	return out
}

func (c *Client) tail(ctx context.Context, alloc *api.AllocationListStub, task, stream string) []string {
	text, _ := c.readLog(ctx, alloc.Namespace, alloc.ID, tailBytes, map[string]string{ // what there is of it
		"task": task, "type": stream, "origin": "end", "offset": fmt.Sprint(tailBytes),
	})
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(text) == tailBytes {
		lines = lines[1:] // it begins in the middle
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines[max(0, len(lines)-shownLines):]
}
