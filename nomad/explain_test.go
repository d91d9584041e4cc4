package nomad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

// TestExplain holds what is told of a failed job: of the instance that tells most, how it
// ended last, what Nomad noted, each once, and the last lines that it printed.
func TestExplain(t *testing.T) {
	at := time.Unix(1700000000, 0)
	crashed := alloc("a2")
	state := crashed.TaskStates["app"]
	state.Failed = true
	for i := range 2 {
		begin := at.Add(time.Duration(i) * time.Minute)
		state.Events = append(state.Events,
			&api.TaskEvent{Type: api.TaskReceived, DisplayMessage: "Task received by client"},
			&api.TaskEvent{Type: api.TaskStarted, DisplayMessage: "Task started by client", Time: begin.UnixNano()},
			&api.TaskEvent{Type: api.TaskTerminated, DisplayMessage: "Exit Code: 137", ExitCode: 137, Time: begin.Add(3 * time.Second).UnixNano(), Details: map[string]string{"oom_killed": fmt.Sprint(i == 1)}},
			&api.TaskEvent{Type: api.TaskRestarting, DisplayMessage: "Task restarting in 1s"},
			&api.TaskEvent{Type: api.TaskNotRestarting},
		)
	}
	many := strings.Repeat("a line\n", tailBytes/7) + "cut her"
	_, client := answering(t, map[string][]any{
		"GET /v1/client/fs/logs/a2 stdout": {printed("one\ntwo\n")}, "GET /v1/client/fs/logs/a2 stderr": {printed(many[len(many)-tailBytes:])},
	})
	f := client.explain(t.Context(), testJob(), "it does not start", []*api.AllocationListStub{alloc("a1", api.TaskStarted, api.TaskTerminated, api.TaskStarted), crashed})
	if f.Reason != "it does not start" || f.Error() != f.Reason || f.Job != "web-a" || f.Allocation != "a2" || f.Group != "web" || f.Task != "app" {
		t.Errorf("it is of %+v", f)
	}
	if !slices.Equal(f.Events, []string{"Terminated: Exit Code: 137"}) || f.ExitCode != 137 || !f.OutOfMemory {
		t.Errorf("it ended with %q, code %d, out of memory %v", f.Events, f.ExitCode, f.OutOfMemory)
	}
	if want := at.Add(time.Minute); !f.Started.Equal(want) || !f.Ended.Equal(want.Add(3*time.Second)) {
		t.Errorf("it ran from %v to %v", f.Started, f.Ended)
	}
	if !slices.Equal(f.Stdout, []string{"one", "two"}) || len(f.Stderr) != shownLines || f.Stderr[0] != "a line" || f.Stderr[shownLines-1] != "cut her" {
		t.Errorf("it printed %q and %d lines, the last %q", f.Stdout, len(f.Stderr), f.Stderr[len(f.Stderr)-1])
	}
}

// TestExplainsNothing holds that a job of which nothing can be read is still explained: its
// reason is known.
func TestExplainsNothing(t *testing.T) {
	_, client := answering(t, nil)
	if f := client.explain(t.Context(), testJob(), "no node", nil); f.Reason != "no node" || f.ExitCode != -1 || f.Allocation != "" || f.Events != nil {
		t.Errorf("without an instance: %+v", f)
	}
	f := client.explain(t.Context(), testJob(), "its server is away", []*api.AllocationListStub{alloc("a1")})
	if f.Allocation != "a1" || f.ExitCode != -1 || f.Stdout != nil || f.Stderr != nil {
		t.Errorf("of an instance whose log nobody can read: %+v", f)
	}
}

const (
	readBatch = "GET /v1/job/web-a"
	runBatch  = "PUT /v1/jobs"
	stopBatch = "DELETE /v1/job/web-a"
	ofBatch   = "GET /v1/job/web-a/allocations"
	batchEval = "GET /v1/evaluation/e"
	readAlloc = "GET /v1/allocation/a1"
)

// batch are the answers of a Nomad that places a job at once, whose allocation is then
// as given, one state after the other.
func batch(states ...any) map[string][]any {
	of := map[string][]any{
		readBatch: {failing{http.StatusNotFound, "job not found"}}, runBatch: {api.JobRegisterResponse{EvalID: "e"}},
		batchEval: {api.Evaluation{ID: "e", Status: api.EvalStatusComplete}}, ofBatch: {[]any{alloc("a1")}}, readAlloc: states,
		"GET /v1/client/fs/logs/a1 stdout": {printed("building\n"), printed("done"), printed("")}, "GET /v1/client/fs/logs/a1 stderr": {printed("")},
	}
	return of
}

// batchAlloc is the allocation of a batch job in a state.
func batchAlloc(status string, events ...string) *api.Allocation {
	stub := alloc("a1", events...)
	return &api.Allocation{ID: "a1", Namespace: "shop", JobID: "web-a", TaskGroup: "web", NodeID: "n", ClientStatus: status, DesiredStatus: "run", TaskStates: stub.TaskStates}
}

// TestBatch holds how a job that ends is followed: its lines are passed on as far as they
// are whole, and how it failed is told while its files are there.
func TestBatch(t *testing.T) {
	refused := batch()
	refused[batchEval] = []any{api.Evaluation{ID: "e", Status: api.EvalStatusComplete, FailedTGAllocs: map[string]*api.AllocationMetric{"web": {NodesEvaluated: 2, NodesExhausted: 2}}}}
	gone := batch(batchAlloc("running"), batchAlloc("unknown"))
	down := batch(batchAlloc("pending"))
	down["GET /v1/node/n"] = []any{api.Node{ID: "n", Status: "down"}}
	for name, test := range map[string]struct {
		of     map[string][]any
		reason string
		exit   int
		noRoom bool
		lines  []string
	}{
		"ends well":          {of: batch(batchAlloc("running"), batchAlloc("complete")), lines: []string{"building", "done"}},
		"fails":              {of: batch(batchAlloc("running"), batchAlloc("failed", api.TaskStarted, api.TaskTerminated)), reason: "it failed", exit: 7, lines: []string{"building", "done"}},
		"finds no room":      {of: refused, reason: "of 2 nodes", exit: -1, noRoom: true},
		"is out of reach":    {of: gone, reason: "its server went out of reach", exit: -1, lines: []string{"building"}},
		"its server is down": {of: down, reason: "its server went out of reach", exit: -1},
	} {
		t.Run(name, func(t *testing.T) {
			a, client := answering(t, test.of)
			var lines []string
			var heard *Failure
			job := testJob()
			job.TaskGroups[0].Tasks[0].Resources = &api.Resources{MemoryMB: new(64), CPU: new(10)}
			err := client.RunBatch(t.Context(), job, nil, BatchObserver{
				Output: func(line string) { lines = append(lines, line) },
				Failed: func(_ context.Context, f *Failure) { heard = f },
			})
			failure, failed := errors.AsType[*Failure](err)
			switch {
			case test.reason == "" && err != nil:
				t.Errorf("it ended with %v", err)
			case test.reason != "" && (!failed || !strings.Contains(failure.Reason, test.reason) || failure.ExitCode != test.exit || failure.NoRoom != test.noRoom):
				t.Errorf("it ended with %+v: %v", failure, err)
			case failed && !test.noRoom && heard != failure:
				t.Errorf("who waits heard of %v", heard)
			}
			if !slices.Equal(lines, test.lines) {
				t.Errorf("it printed %q, want %q", lines, test.lines)
			}
			if n := a.count(readBatch); n < 2 {
				t.Errorf("it was looked for %d times, before and after", n)
			}
		})
	}
}
