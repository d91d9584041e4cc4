package taskroutes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/task"
)

// taskCaller is who asks about tasks of a project: a person, or an allocation of it.
type taskCaller struct {
	actor    store.Actor
	project  store.Project
	workload workload.Identity
}

type taskHandler func(r *http.Request, from taskCaller) (any, error)

func (t *Routes) asPerson(f taskHandler) http.HandlerFunc { return t.answerTasks(t.personCaller, f) }

func (t *Routes) asAgent(f taskHandler) http.HandlerFunc { return t.answerTasks(t.agentCaller, f) }

func (t *Routes) personCaller(r *http.Request) (taskCaller, error) {
	actor, p, err := t.People.Target(r)
	return taskCaller{actor: actor, project: p}, err
}

func (t *Routes) agentCaller(r *http.Request) (taskCaller, error) {
	who, p, err := t.Agents.Of(r)
	return taskCaller{project: p, workload: who}, err
}

// taskCaller is who asks, on a platform that runs tasks.
func (t *Routes) taskCaller(r *http.Request, who func(*http.Request) (taskCaller, error)) (taskCaller, error) {
	from, err := who(r)
	if err == nil && t.Tasks == nil {
		err = api.NewProblem(api.NotFound, "this platform runs no tasks: it has no broker")
	}
	return from, err
}

func (t *Routes) answerTasks(who func(*http.Request) (taskCaller, error), f taskHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, err := t.taskCaller(r, who)
		var out any
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxTasksBody)
			out, err = f(r, from)
		}
		if err != nil {
			t.Fail(w, r, taskProblem(err))
			return
		}
		t.JSON(w, out)
	}
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
		return fmt.Errorf("%w: %w", peer.ErrBody, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return api.NewProblem(api.Invalid, "the request is not what it should be: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
