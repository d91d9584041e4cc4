package taskroutes

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// maxTaskKey bounds the key of a task.
const maxTaskKey = 200

// sendTasks takes one task, and answers with it, or many.
func (t *Routes) sendTasks(r *http.Request, from taskCaller) (any, error) {
	var body struct {
		api.NewTask
		Tasks []api.NewTask `json:"tasks"`
	}
	if err := readBody(r, &body); err != nil {
		return nil, err
	}
	caller := dispatch.Caller{Job: from.workload.JobID, Allocation: from.workload.Allocation}
	if body.Tasks != nil {
		return t.sendMany(r.Context(), from.project, caller, body.Tasks)
	}
	order, err := orderOf(body.NewTask)
	if err != nil {
		return nil, err
	}
	sent, err := t.Tasks.Send(r.Context(), from.project, caller, []dispatch.Order{order})
	if err != nil {
		return nil, err
	}
	if sent[0].Err != nil {
		return nil, unsure(sent[0])
	}
	made, err := t.Tasks.Get(r.Context(), from.project, sent[0].ID)
	return made.Public(), err
}

// unsure tells the id of a task of which nobody knows whether it will be run.
func unsure(sent dispatch.Sent) error {
	p := taskProblem(sent.Err)
	var known *api.Problem
	if errors.As(p, &known) && known.Code == api.OutcomeUnknown {
		known.Detail += "; its id is " + sent.ID
	}
	return p
}

func (t *Routes) sendMany(ctx context.Context, p store.Project, caller dispatch.Caller, many []api.NewTask) (any, error) {
	if len(many) > api.MaxNewTasks {
		return nil, api.NewProblem(api.TooLarge, "%d tasks at once; they may be %d", len(many), api.MaxNewTasks)
	}
	orders := make([]dispatch.Order, len(many))
	for i, one := range many {
		order, err := orderOf(one)
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", i, err)
		}
		orders[i] = order
	}
	sent, err := t.Tasks.Send(ctx, p, caller, orders)
	if err != nil {
		return nil, err
	}
	out := api.SentTasks{Tasks: make([]api.SentTask, len(sent))}
	for i, one := range sent {
		out.Tasks[i].ID = one.ID
		if one.Err != nil {
			out.Tasks[i].Problem = t.Problem(ctx, unsure(one))
		}
	}
	return out, nil
}

func orderOf(t api.NewTask) (dispatch.Order, error) {
	switch {
	case t.Function == "":
		return dispatch.Order{}, api.NewProblem(api.Invalid, "the task names no function")
	case t.Shape != "" && t.Shape != task.ShapeCall:
		return dispatch.Order{}, api.NewProblem(api.Invalid, "shape %q is not known", t.Shape)
	case len(t.Key) > maxTaskKey:
		return dispatch.Order{}, api.NewProblem(api.Invalid, "the key has %d bytes; it may have %d", len(t.Key), maxTaskKey)
	}
	body := []byte(t.Payload)
	if len(body) == 0 {
		body = []byte("null")
	}
	return dispatch.Order{Function: t.Function, Payload: body, Key: t.Key, Shape: t.Shape}, nil
}
