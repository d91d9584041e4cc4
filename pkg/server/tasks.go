package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

const (
	// maxTasksBody bounds many tasks at once.
	maxTasksBody = 16 << 20
	// maxWait is how long a request may wait for the end of a task: less than a request
	// may take.
	maxWait = 30 * time.Second
	// maxTaskKey bounds the key of a task.
	maxTaskKey = 200
	usualPage  = 50
)

// Tasks sends tasks and knows what becomes of them; package dispatch does.
type Tasks interface {
	Send(ctx context.Context, p store.Project, from dispatch.Caller, orders []dispatch.Order) ([]dispatch.Sent, error)
	SendLarge(ctx context.Context, p store.Project, from dispatch.Caller, o dispatch.Order, body io.Reader, bytes int64) (dispatch.Sent, error)
	// Payload opens the large payload of a task, PayloadBytes is what those of a project take.
	Payload(ctx context.Context, p store.Project, id string) (*os.File, task.Large, error)
	PayloadBytes(p store.Project) (int64, error)
	Get(ctx context.Context, p store.Project, id string) (tasks.Task, error)
	Wait(ctx context.Context, p store.Project, id string) (tasks.Task, error)
	List(ctx context.Context, p store.Project, f tasks.Filter) ([]tasks.Task, error)
	Retry(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error)
	Cancel(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error)
	Claim(ctx context.Context, p store.Project, job, allocation, id string, attempt int) (verdict string, starts int, err error)
	Cancelled(ctx context.Context, p store.Project) ([]string, error)
}

func (s *Server) routeTasks(mux *scoped) {
	mux.HandleFunc("POST /v1/projects/{project}/tasks", s.asPerson(s.sendTasks))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/large", s.sendLarge(s.personCaller))
	mux.HandleFunc("GET /v1/projects/{project}/tasks", s.asPerson(s.listTasks))
	mux.HandleFunc("GET /v1/projects/{project}/tasks/{id}", s.asPerson(s.getTask))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/{id}/retry", s.asPerson(s.retryTask))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/{id}/cancel", s.asPerson(s.cancelTask))
}

func (s *Server) routeAgentTasks(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/agent/tasks", s.asAgent(s.sendTasks))
	mux.HandleFunc("POST /v1/agent/tasks/large", s.sendLarge(s.agentCaller))
	mux.HandleFunc("GET /v1/agent/tasks/{id}/payload", s.getPayload)
	mux.HandleFunc("GET /v1/agent/tasks/{id}", s.asAgent(s.getTask))
	mux.HandleFunc("GET /v1/agent/tasks/cancelled", s.asAgent(s.cancelledTasks))
	mux.HandleFunc("POST /v1/agent/tasks/claims", s.asAgent(s.claimTask))
}

// taskCaller is who asks about tasks of a project: a person, or an allocation of it.
type taskCaller struct {
	actor    store.Actor
	project  store.Project
	workload Workload
}

type taskHandler func(r *http.Request, from taskCaller) (any, error)

func (s *Server) asPerson(f taskHandler) http.HandlerFunc { return s.answerTasks(s.personCaller, f) }

func (s *Server) asAgent(f taskHandler) http.HandlerFunc { return s.answerTasks(s.agentCaller, f) }

func (s *Server) personCaller(r *http.Request) (taskCaller, error) {
	actor, p, err := s.target(r)
	return taskCaller{actor: actor, project: p}, err
}

func (s *Server) agentCaller(r *http.Request) (taskCaller, error) {
	who, p, err := s.workload(r)
	return taskCaller{project: p, workload: who}, err
}

// taskCaller is who asks, on a platform that runs tasks.
func (s *Server) taskCaller(r *http.Request, who func(*http.Request) (taskCaller, error)) (taskCaller, error) {
	from, err := who(r)
	if err == nil && s.Tasks == nil {
		err = api.NewProblem(api.NotFound, "this platform runs no tasks: it has no broker")
	}
	return from, err
}

func (s *Server) answerTasks(who func(*http.Request) (taskCaller, error), f taskHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, err := s.taskCaller(r, who)
		var out any
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxTasksBody)
			out, err = f(r, from)
		}
		if err != nil {
			s.fail(w, r, taskProblem(err))
			return
		}
		s.reply(w, out)
	}
}

// sendTasks takes one task, and answers with it, or many.
func (s *Server) sendTasks(r *http.Request, from taskCaller) (any, error) {
	var body struct {
		api.NewTask
		Tasks []api.NewTask `json:"tasks"`
	}
	if err := readBody(r, &body); err != nil {
		return nil, err
	}
	caller := dispatch.Caller{Job: from.workload.JobID, Allocation: from.workload.Allocation}
	if body.Tasks != nil {
		return s.sendMany(r.Context(), from.project, caller, body.Tasks)
	}
	order, err := orderOf(body.NewTask)
	if err != nil {
		return nil, err
	}
	sent, err := s.Tasks.Send(r.Context(), from.project, caller, []dispatch.Order{order})
	if err != nil {
		return nil, err
	}
	if sent[0].Err != nil {
		return nil, unsure(sent[0])
	}
	t, err := s.Tasks.Get(r.Context(), from.project, sent[0].ID)
	return t.Public(), err
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

func (s *Server) sendMany(ctx context.Context, p store.Project, caller dispatch.Caller, many []api.NewTask) (any, error) {
	if len(many) > api.MaxNewTasks {
		return nil, api.NewProblem(api.TooLarge, "%d tasks at once; they may be %d", len(many), api.MaxNewTasks)
	}
	orders := make([]dispatch.Order, len(many))
	for i, t := range many {
		order, err := orderOf(t)
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", i, err)
		}
		orders[i] = order
	}
	sent, err := s.Tasks.Send(ctx, p, caller, orders)
	if err != nil {
		return nil, err
	}
	out := api.SentTasks{Tasks: make([]api.SentTask, len(sent))}
	for i, one := range sent {
		out.Tasks[i].ID = one.ID
		if one.Err != nil {
			out.Tasks[i].Problem = s.problem(ctx, unsure(one))
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

func (s *Server) listTasks(r *http.Request, from taskCaller) (any, error) {
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
	list, err := s.Tasks.List(r.Context(), from.project, f)
	if err != nil {
		return nil, err
	}
	out := make([]api.Task, len(list))
	for i, t := range list {
		out[i] = t.Public()
	}
	return out, nil
}

func (s *Server) getTask(r *http.Request, from taskCaller) (any, error) {
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
	var t tasks.Task
	if seconds == 0 {
		t, err = s.Tasks.Get(r.Context(), from.project, id)
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(seconds)*time.Second, maxWait))
		defer cancel()
		t, err = s.Tasks.Wait(ctx, from.project, id)
	}
	return t.Public(), err
}

func (s *Server) retryTask(r *http.Request, from taskCaller) (any, error) {
	id, err := taskID(r)
	if err != nil {
		return nil, err
	}
	t, err := s.Tasks.Retry(r.Context(), from.actor, from.project, id)
	return t.Public(), err
}

func (s *Server) cancelTask(r *http.Request, from taskCaller) (any, error) {
	id, err := taskID(r)
	if err != nil {
		return nil, err
	}
	t, err := s.Tasks.Cancel(r.Context(), from.actor, from.project, id)
	return t.Public(), err
}

func (s *Server) cancelledTasks(r *http.Request, from taskCaller) (any, error) {
	ids, err := s.Tasks.Cancelled(r.Context(), from.project)
	return api.CancelledTasks{IDs: ids}, err
}

func (s *Server) claimTask(r *http.Request, from taskCaller) (any, error) {
	var c api.Claim
	if err := readBody(r, &c); err != nil {
		return nil, err
	}
	if !task.ValidID(c.ID) || c.Attempt < 1 {
		return nil, api.NewProblem(api.Invalid, "attempt %d of task %q is not possible", c.Attempt, c.ID)
	}
	verdict, starts, err := s.Tasks.Claim(r.Context(), from.project, from.workload.JobID, from.workload.Allocation, c.ID, c.Attempt)
	return api.Claimed{Verdict: verdict, Starts: starts}, err
}

func taskID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !task.ValidID(id) {
		return "", api.NewProblem(api.NotFound, "%q is not the id of a task", id)
	}
	return id, nil
}

// readBody reads JSON of known fields only.
func readBody(r *http.Request, into any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return tooLarge
		}
		return fmt.Errorf("%w: %w", errBody, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return api.NewProblem(api.Invalid, "the request is not what it should be: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
