package nomad

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// shownLines is how much of a failed instance's output a person gets to see.
const shownLines = 50

// Failure is a rollout or a batch job that did not succeed, with what a person
// needs to see why.
type Failure struct {
	Job string
	// Reason is one sentence.
	Reason string
	// Events are what Nomad noted about the failed allocation, oldest first.
	Events []string
	// ExitCode is that of the last crash; -1 when there was none.
	ExitCode int
	// OutOfMemory says that the kernel ended it because it took more memory than
	// its server has for it.
	OutOfMemory bool
	// Log holds the last lines of its output.
	Log []string
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
	for task, state := range alloc.TaskStates {
		for _, e := range state.Events {
			if e.DisplayMessage != "" {
				out.Events = append(out.Events, e.Type+": "+e.DisplayMessage)
			}
			if e.Type == api.TaskTerminated {
				out.ExitCode = e.ExitCode
				out.OutOfMemory = e.Details["oom_killed"] == "true"
			}
		}
		out.Log = append(out.Log, c.tail(ctx, alloc, task)...)
	}
	return out
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

func (c *Client) tail(ctx context.Context, alloc *api.AllocationListStub, task string) []string {
	var out []string
	for _, stream := range []string{"stdout", "stderr"} {
		text, err := c.readLog(ctx, alloc.Namespace, alloc.ID, task, stream, 0)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		if len(lines) == 1 && lines[0] == "" {
			continue
		}
		out = append(out, lines[max(0, len(lines)-shownLines):]...)
	}
	return out
}

// readLog returns what one stream of a task has printed from an offset on.
func (c *Client) readLog(ctx context.Context, namespace, allocID, task, stream string, offset int64) ([]byte, error) {
	q := read(ctx, namespace)
	q.Params = map[string]string{
		"task": task, "type": stream, "origin": "start", "plain": "true", "offset": fmt.Sprint(offset),
	}
	body, err := c.api.Raw().Response("/v1/client/fs/logs/"+allocID, q)
	if err != nil {
		return nil, fmt.Errorf("read %s of task %q: %w", stream, task, err)
	}
	defer body.Close()
	return io.ReadAll(body)
}
