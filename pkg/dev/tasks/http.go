package tasks

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
	ledger "fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// Prefix is where the handler is, below which no path of a person's app can be.
const Prefix = "/.fngen/"

// Any stands for the project in the paths of the platform's API.
const Any = "-"

const (
	maxBodyIn = task.MaxLarge + 1<<20 // one large task, or many
	maxWait   = 30 * time.Second
	usualPage = 50
)

// Handler answers below Prefix: the platform's own API for tasks, and a short door for
// a person with curl. Only this machine may ask, and no page of another site.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, base := range []string{"/.fngen/v1/projects/{project}/tasks", "/.fngen/tasks"} {
		mux.HandleFunc("GET "+base, s.answer(s.list))
		mux.HandleFunc("GET "+base+"/{id}", s.answer(s.get))
		mux.HandleFunc("POST "+base+"/{id}/retry", s.answer(func(r *http.Request) (any, error) { return s.Retry(r.Context(), r.PathValue("id")) }))
		mux.HandleFunc("POST "+base+"/{id}/cancel", s.answer(func(r *http.Request) (any, error) { return s.Cancel(r.Context(), r.PathValue("id")) }))
	}
	mux.HandleFunc("POST /.fngen/v1/projects/{project}/tasks", s.answer(s.send))
	mux.HandleFunc("POST /.fngen/v1/projects/{project}/tasks/large", s.answer(s.sendPayload))
	mux.HandleFunc("POST /.fngen/tasks/{function}", s.answer(s.sendPayload))
	mux.HandleFunc("/", s.answer(func(r *http.Request) (any, error) {
		return nil, api.NewProblem(api.NotFound, "fngen dev has nothing at %s", r.URL.Path)
	}))
	return mux
}

// answer answers with what f gives, to whom it may.
func (s *Service) answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyIn)
		err := s.allow(r)
		var out any
		if err == nil {
			out, err = f(r)
		}
		status, kind := http.StatusOK, "application/json"
		if err != nil {
			p := problemOf(err)
			out, status, kind = p, p.Status, p.ContentType("")
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out) // a caller that left cannot be told
	}
}

// allow refuses what a page of another site has a browser send: such a request names its
// origin, or a host that is not this machine, or cannot say that it is JSON.
func (s *Service) allow(r *http.Request) error {
	if !isHere(r.Host) {
		return api.NewProblem(api.Forbidden, "host %q is not this machine", r.Host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || !isHere(u.Host) {
			return api.NewProblem(api.Forbidden, "a page of %q may not ask", origin)
		}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodGet && r.ContentLength != 0 && kind != "application/json" {
		return api.NewProblem(api.Invalid, "the body is not said to be JSON").WithHelp("send the header Content-Type: application/json")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked := r.PathValue("project"); asked != "" && asked != Any && s.project != "" && asked != s.project {
		return api.NewProblem(api.NotFound, "fngen dev runs project %q, not %q", s.project, asked)
	}
	return nil
}

func isHere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func problemOf(err error) *api.Problem {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return api.NewProblem(api.TooLarge, "the request's body has more than %d bytes", large.Limit)
	}
	for _, known := range []struct {
		err  error
		code api.Code
	}{{store.ErrNotFound, api.NotFound}, {ledger.ErrPayload, api.Conflict}, {ledger.ErrNotEnded, api.Conflict}} {
		if errors.Is(err, known.err) {
			return api.NewProblem(known.code, "%s", err)
		}
	}
	return api.NewProblem(api.Internal, "%s", err) // who asks is who runs it
}

// send takes one task, or many.
func (s *Service) send(r *http.Request) (any, error) {
	var body struct {
		api.NewTask
		Tasks []api.NewTask `json:"tasks"`
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, api.NewProblem(api.Invalid, "the request is not what it should be: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if body.Tasks == nil {
		return s.Send(r.Context(), body.NewTask)
	}
	if len(body.Tasks) > api.MaxNewTasks {
		return nil, api.NewProblem(api.TooLarge, "%d tasks at once; they may be %d", len(body.Tasks), api.MaxNewTasks)
	}
	out := api.SentTasks{Tasks: make([]api.SentTask, len(body.Tasks))}
	for i, t := range body.Tasks {
		sent, err := s.Send(r.Context(), t)
		if err != nil {
			out.Tasks[i].Problem = problemOf(err)
		}
		out.Tasks[i].ID = sent.ID
	}
	return out, nil
}

// sendPayload takes a payload as it is, what a path or a query says of it, and with ?wait=SECONDS waits for the end.
func (s *Service) sendPayload(r *http.Request) (any, error) {
	wait, err := seconds(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(data) > 0 && !json.Valid(data) {
		return nil, api.NewProblem(api.Invalid, "the payload is not JSON")
	}
	query := r.URL.Query()
	t, err := s.Send(r.Context(), api.NewTask{
		Function: cmp.Or(r.PathValue("function"), query.Get("function")), Payload: data, Key: query.Get("key"), Shape: query.Get("shape"),
	})
	if err != nil || wait == 0 {
		return t, err
	}
	return s.Get(r.Context(), t.ID, wait)
}

func (s *Service) get(r *http.Request) (any, error) {
	wait, err := seconds(r)
	if err != nil {
		return nil, err
	}
	return s.Get(r.Context(), r.PathValue("id"), wait)
}

func seconds(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, api.NewProblem(api.Invalid, "%q is not a number of seconds", text)
	}
	return min(time.Duration(n)*time.Second, maxWait), nil
}

func (s *Service) list(r *http.Request) (any, error) {
	query := r.URL.Query()
	f := ledger.Filter{Function: query.Get("function"), Before: query.Get("before"), Limit: usualPage}
	if query.Get("dead") == "true" {
		f.States = []task.State{task.Dead, task.Failed}
	}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > api.MaxTaskPage {
			return nil, api.NewProblem(api.Invalid, "%q is not a number of tasks from 1 to %d", text, api.MaxTaskPage)
		}
		f.Limit = n
	}
	return s.List(r.Context(), f)
}
