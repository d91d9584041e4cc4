package nomad

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Observed is an instance of a job, with what Nomad noted of its ends.
type Observed struct {
	Allocation, Namespace, Job, Group, Node string
	// Wanted says that Nomad wants it to run, Healthy that it was found well once.
	Wanted, Healthy bool
	// State is one of api.AllocClientStatus*, Changed when something of it changed last.
	State   string
	Changed time.Time
	Ends    []End
}

// End is an end of a program that nobody asked for.
type End struct {
	At time.Time
	// Reason is in Nomad's words, ExitCode and Signal are of the program and 0 where it
	// did not get that far.
	Reason           string
	ExitCode, Signal int
	// OutOfMemory says that the kernel ended it for its memory, Again that it is started
	// again in the same place.
	OutOfMemory, Again bool
}

// Observe lists the instances of jobs whose ids match a regular expression, all that Nomad
// has not forgotten. It answers when there is something newer than index, or after a while; the index that it returns
// is for the next call.
func (c *Client) Observe(ctx context.Context, jobs string, index uint64, limit time.Duration) ([]Observed, uint64, error) {
	q := after(ctx, "*", index, limit)
	q.Filter = fmt.Sprintf("JobID matches %q", jobs)
	allocs, meta, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, 0, fmt.Errorf("list allocations: %w", err)
	}
	out := make([]Observed, 0, len(allocs))
	for _, a := range allocs {
		out = append(out, observed(a))
	}
	return out, meta.LastIndex, nil
}

func observed(a *api.AllocationListStub) Observed {
	out := Observed{
		Allocation: a.ID, Namespace: a.Namespace, Job: a.JobID, Group: a.TaskGroup, Node: a.NodeName,
		Wanted:  a.DesiredStatus == api.AllocDesiredStatusRun,
		Healthy: a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy,
		State:   a.ClientStatus, Changed: time.Unix(0, a.ModifyTime).UTC(),
	}
	for _, state := range a.TaskStates {
		out.Ends = append(out.Ends, ends(state.Events)...)
	}
	return out
}

// ends are those after which Nomad has decided what is next: an end that it was told to
// bring about is followed by no such decision.
func ends(events []*api.TaskEvent) []End {
	var out []End
	var last *api.TaskEvent
	for _, e := range events {
		switch e.Type {
		case api.TaskStarted:
			last = nil
		case api.TaskTerminated, api.TaskDriverFailure, api.TaskSetupFailure, api.TaskArtifactDownloadFailed, api.TaskRestartSignal:
			if last == nil { // the end that an order to start again led to is not the reason
				last = e
			}
		case api.TaskRestarting, api.TaskNotRestarting:
			out = append(out, end(last, e))
		}
	}
	return out
}

func end(reason, decision *api.TaskEvent) End {
	out := End{At: time.Unix(0, decision.Time).UTC(), Reason: decision.DisplayMessage, Again: decision.Type == api.TaskRestarting}
	if reason == nil {
		return out
	}
	if reason.Type != api.TaskTerminated {
		out.Reason = reason.DisplayMessage
		return out
	}
	out.ExitCode, out.Signal = reason.ExitCode, reason.Signal
	out.OutOfMemory = reason.Details["oom_killed"] == "true"
	return out
}
