package taskroutes

import (
	"io"
	"net/http"
	"strconv"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/task"
)

// maxDrained is how much of a body is read that is refused.
const maxDrained = task.MaxLarge + 1<<20

// sendLarge takes one task whose body is its payload; the query says the rest. It is
// written to the disk as it comes.
func (t *Routes) sendLarge(who func(*http.Request) (taskCaller, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := peer.NewBody(w, r, t.Pace, max(r.ContentLength, 1))
		out, err := t.takeLarge(w, r, who, body)
		if err != nil {
			// Who sends it hears why when all of it is sent.
			_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrained))
			t.Fail(w, r, taskProblem(err))
			return
		}
		t.JSON(w, out)
	}
}

func (t *Routes) takeLarge(w http.ResponseWriter, r *http.Request, who func(*http.Request) (taskCaller, error), body io.Reader) (any, error) {
	from, err := t.taskCaller(r, who)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	order, err := orderOf(api.NewTask{Function: query.Get("function"), Key: query.Get("key"), Shape: query.Get("shape")})
	if err != nil {
		return nil, err
	}
	if r.ContentLength <= 0 {
		return nil, api.NewProblem(api.Invalid, "the request has no payload, or does not say how long it is (Content-Length)")
	}
	leave, err := t.large.Enter(r.Context(), from.project.ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := t.Budget.Look(from.project.AccountID); err != nil {
		return nil, err
	}
	stored, err := t.Room.Take(r.Context(), from.project, r.ContentLength)
	if err != nil {
		return nil, err
	}
	defer stored()
	if err := respond.Untimed(w); err != nil {
		return nil, err
	}
	t.Budget.Spend(from.project.AccountID, r.ContentLength)
	caller := dispatch.Caller{Job: from.workload.JobID, Allocation: from.workload.Allocation}
	sent, err := t.Tasks.SendLarge(r.Context(), from.project, caller, order, body, r.ContentLength)
	if err != nil {
		return nil, err
	}
	if sent.Err != nil {
		return nil, unsure(sent)
	}
	made, err := t.Tasks.Get(r.Context(), from.project, sent.ID)
	return made.Public(), err
}

// getPayload gives an agent the payload of a task of its project.
func (t *Routes) getPayload(w http.ResponseWriter, r *http.Request) {
	from, err := t.taskCaller(r, t.agentCaller)
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	id, err := taskID(r)
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	f, is, err := t.Tasks.Payload(r.Context(), from.project, id)
	if err != nil {
		t.Fail(w, r, taskProblem(err))
		return
	}
	defer f.Close()
	if err := respond.Untimed(w); err != nil {
		t.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(is.Bytes, 10))
	_, err = io.Copy(w, f)
	t.Finish(r, err)
}
