package server

import (
	"io"
	"net/http"
	"strconv"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/task"
)

// maxDrained is how much of a body is read that is refused.
const maxDrained = task.MaxLarge + 1<<20

// sendLarge takes one task whose body is its payload; the query says the rest. It is
// written to the disk as it comes.
func (s *Server) sendLarge(who func(*http.Request) (taskCaller, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := newWireReader(w, r, s.pace, max(r.ContentLength, 1))
		out, err := s.takeLarge(w, r, who, body)
		if err != nil {
			// Who sends it hears why when all of it is sent.
			_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrained))
			s.fail(w, r, taskProblem(err))
			return
		}
		s.reply(w, out)
	}
}

func (s *Server) takeLarge(w http.ResponseWriter, r *http.Request, who func(*http.Request) (taskCaller, error), body io.Reader) (any, error) {
	from, err := s.taskCaller(r, who)
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
	leave, err := s.large.enter(r.Context(), from.project.ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := s.budget.look(from.project.AccountID); err != nil {
		return nil, err
	}
	stored, err := s.room.take(r.Context(), from.project, r.ContentLength)
	if err != nil {
		return nil, err
	}
	defer stored()
	if err := untimed(w); err != nil {
		return nil, err
	}
	s.budget.spend(from.project.AccountID, r.ContentLength)
	caller := dispatch.Caller{Job: from.workload.JobID, Allocation: from.workload.Allocation}
	sent, err := s.Tasks.SendLarge(r.Context(), from.project, caller, order, body, r.ContentLength)
	if err != nil {
		return nil, err
	}
	if sent.Err != nil {
		return nil, unsure(sent)
	}
	t, err := s.Tasks.Get(r.Context(), from.project, sent.ID)
	return t.Public(), err
}

// getPayload gives an agent the payload of a task of its project.
func (s *Server) getPayload(w http.ResponseWriter, r *http.Request) {
	from, err := s.taskCaller(r, s.agentCaller)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	id, err := taskID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	f, is, err := s.Tasks.Payload(r.Context(), from.project, id)
	if err != nil {
		s.fail(w, r, taskProblem(err))
		return
	}
	defer f.Close()
	if err := untimed(w); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(is.Bytes, 10))
	_, err = io.Copy(w, f)
	s.finish(r, err)
}
