package taskroutes

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

const (
	// maxWait is how long a request may wait for the end of a task: less than a request
	// may take.
	maxWait   = 30 * time.Second
	usualPage = 50
)

func (t *Routes) listTasks(r *http.Request, from taskCaller) (any, error) {
	query := r.URL.Query()
	f := tasks.Filter{Function: query.Get("function"), Before: query.Get("before"), Limit: usualPage}
	if query.Get("dead") == "true" {
		f.States = []task.State{task.Dead, task.Failed}
	}
	if f.Before != "" && !task.ValidID(f.Before) {
		return nil, api.NewProblem(api.Invalid, "%q is not the id of a task", f.Before)
	}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > api.MaxTaskPage {
			return nil, api.NewProblem(api.Invalid, "%q is not a number of tasks from 1 to %d", text, api.MaxTaskPage)
		}
		f.Limit = n
	}
	list, err := t.Tasks.List(r.Context(), from.project, f)
	if err != nil {
		return nil, err
	}
	out := make([]api.Task, len(list))
	for i, one := range list {
		out[i] = one.Public()
	}
	return out, nil
}

func (t *Routes) getTask(r *http.Request, from taskCaller) (any, error) {
	id, err := taskID(r)
	if err != nil {
		return nil, err
	}
	seconds := 0
	if text := r.URL.Query().Get("wait"); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil || seconds < 0 {
			return nil, api.NewProblem(api.Invalid, "%q is not a number of seconds", text)
		}
	}
	var found tasks.Task
	if seconds == 0 {
		found, err = t.Tasks.Get(r.Context(), from.project, id)
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(seconds)*time.Second, maxWait))
		defer cancel()
		found, err = t.Tasks.Wait(ctx, from.project, id)
	}
	return found.Public(), err
}

func (t *Routes) retryTask(r *http.Request, from taskCaller) (any, error) {
	id, err := taskID(r)
	if err != nil {
		return nil, err
	}
	changed, err := t.Tasks.Retry(r.Context(), from.actor, from.project, id)
	return changed.Public(), err
}

func (t *Routes) cancelTask(r *http.Request, from taskCaller) (any, error) {
	id, err := taskID(r)
	if err != nil {
		return nil, err
	}
	changed, err := t.Tasks.Cancel(r.Context(), from.actor, from.project, id)
	return changed.Public(), err
}

func (t *Routes) cancelledTasks(r *http.Request, from taskCaller) (any, error) {
	ids, err := t.Tasks.Cancelled(r.Context(), from.project)
	return api.CancelledTasks{IDs: ids}, err
}

func (t *Routes) claimTask(r *http.Request, from taskCaller) (any, error) {
	var c api.Claim
	if err := readBody(r, &c); err != nil {
		return nil, err
	}
	if !task.ValidID(c.ID) || c.Attempt < 1 {
		return nil, api.NewProblem(api.Invalid, "attempt %d of task %q is not possible", c.Attempt, c.ID)
	}
	verdict, starts, err := t.Tasks.Claim(r.Context(), from.project, from.workload.JobID, from.workload.Allocation, c.ID, c.Attempt)
	return api.Claimed{Verdict: verdict, Starts: starts}, err
}
