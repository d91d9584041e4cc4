package taskroutes

import (
	"errors"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// taskProblems are what may become of a task, in the order in which they are looked for:
// a broker that is blocked may have taken it, or not.
var taskProblems = []struct {
	err  error
	code api.Code
	help string
}{
	{queue.ErrUnroutable, api.Unroutable, "push the project: that makes its queues anew"},
	{queue.ErrBlocked, api.BrokerBlocked, "try again later; the operator must make room on the broker's machine"},
	{queue.ErrFull, api.QueueFull, "try again later, or give the function more servers"},
	{queue.ErrUnknown, api.OutcomeUnknown, "send it again with the same key: then it is not run twice"},
	{queue.ErrUnreachable, api.BrokerAway, "try again; nothing was sent"},
	{tasks.ErrPayload, api.Conflict, "run it anew with its payload"},
	{largepayload.ErrGone, api.NotFound, "run it anew with its payload"},
	{tasks.ErrNotEnded, api.Conflict, ""},
}

// taskProblem is an error of a task as it crosses HTTP; another error stays.
func taskProblem(err error) error {
	if bad, ok := errors.AsType[*dispatch.PayloadError](err); ok {
		p := api.NewProblem(api.BadPayload, "%s", bad)
		p.Faults = bad.Faults
		return p
	}
	if large, ok := errors.AsType[*dispatch.TooLargeError](err); ok {
		return api.NewProblem(api.TooLarge, "%s", large).WithHelp("%s", largeHelp(large))
	}
	if none, ok := errors.AsType[*dispatch.NotLiveError](err); ok {
		return api.NewProblem(api.NotFound, "%s", none).WithHelp("push it first: fngen push %s PATH", none.Project)
	}
	if unknown, ok := errors.AsType[*dispatch.FunctionError](err); ok {
		return unknownFunction(unknown)
	}
	for _, known := range taskProblems {
		if errors.Is(err, known.err) {
			return api.NewProblem(known.code, "%s", known.err).WithHelp("%s", known.help)
		}
	}
	return err
}

// largeHelp says what to do with a payload that is too large.
func largeHelp(e *dispatch.TooLargeError) string {
	if e.Bytes > task.MaxLarge {
		return "put the data where the function reads it, such as a bucket, and send its place"
	}
	return "send it alone, as the body of POST .../tasks/large; the CLI and the SDK of this version do"
}

func unknownFunction(e *dispatch.FunctionError) error {
	p := api.NewProblem(api.NotFound, "%s", e)
	if near := diag.Nearest(e.Function, e.Workers); near != "" {
		return p.WithHelp("did you mean %q?", near)
	}
	if len(e.Workers) == 0 {
		return p.WithHelp("the live release has no @task_worker")
	}
	return p.WithHelp("those that take tasks: %s", strings.Join(e.Workers, ", "))
}
