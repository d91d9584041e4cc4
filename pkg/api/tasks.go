package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// Task is one task. GET /v1/projects/{project}/tasks/{id}.
type Task struct {
	ID       string `json:"id"`
	Function string `json:"function"`
	// State is queued, running, retrying, succeeded, failed or dead.
	State task.State `json:"state"`
	// Attempts are those that were begun.
	Attempts   int        `json:"attempts"`
	EnqueuedAt time.Time  `json:"enqueued_at"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	// Result is what the function returned.
	Result json.RawMessage `json:"result"`
	// Error says why the last attempt failed.
	Error *task.Error `json:"error"`
	// NextAt is when one that is retrying begins again at the earliest.
	NextAt  *time.Time `json:"next_at,omitempty"`
	Release int        `json:"release"`
	Server  string     `json:"server,omitempty"`
	// Retryable says that it can be put back.
	Retryable bool `json:"retryable"`
}

// NewTask is a task to be run.
type NewTask struct {
	Function string `json:"function"`
	// Payload is sent to the function byte for byte.
	Payload json.RawMessage `json:"payload,omitempty"`
	// Key gives the same task for a day, however often it is sent.
	Key string `json:"key,omitempty"`
	// Shape is "call" where the payload is {"args", "kwargs"}.
	Shape string `json:"shape,omitempty"`
}

// NewTasks are many tasks to be run: POST /v1/projects/{project}/tasks takes these, or
// one NewTask.
type NewTasks struct {
	Tasks []NewTask `json:"tasks"`
}

// MaxNewTasks is how many may be sent at once.
const MaxNewTasks = 1000

// SentTasks answers NewTasks, in their order.
type SentTasks struct {
	Tasks []SentTask `json:"tasks"`
}

// SentTask is a task, or why it was not sent.
type SentTask struct {
	ID      string   `json:"id,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// Claim asks whether a task that was handed out before is to be run.
// POST /v1/agent/tasks/claims.
type Claim struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
}

// Claimed answers a Claim: run, done, held or poison.
type Claimed struct {
	Verdict string `json:"verdict"`
	// Starts is how often the attempt was claimed, this time included.
	Starts int `json:"starts"`
}

// CancelledTasks are those that are not to be begun. GET /v1/agent/tasks/cancelled.
type CancelledTasks struct {
	IDs []string `json:"ids"`
}

// TaskFilter says which tasks are listed, newest first.
type TaskFilter struct {
	// Dead lists only those that failed or died.
	Dead     bool
	Function string
	// Before is the id of the last task of the page before.
	Before string
	Limit  int
}

// MaxTaskPage is how many tasks one answer has at most.
const MaxTaskPage = 1000

// RunTask sends one task, and returns it when the broker has it. One with a key is sent
// again when the connection breaks. A payload that is too large for a request of tasks is
// the body of its own: POST /v1/projects/{project}/tasks/large?function=...&key=...
func (c *Client) RunTask(ctx context.Context, project string, t NewTask) (Task, error) {
	var out Task
	path, text := projectPath(project)+"/tasks", []byte(t.Payload)
	if len(t.Payload) > task.MaxPayload {
		path += "/large?" + url.Values{"function": {t.Function}, "key": {t.Key}, "shape": {t.Shape}}.Encode()
	} else {
		var err error
		if text, err = t.body(); err != nil {
			return out, err
		}
	}
	body := func() io.Reader { return bytes.NewReader(text) }
	resp, err := c.do(ctx, http.MethodPost, path, "application/json", body, t.Key != "")
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("read answer of a task: %w", err)
	}
	return out, nil
}

// body is the task as JSON with the payload as it is: encoding/json would write it anew.
func (t NewTask) body() ([]byte, error) {
	payload := t.Payload
	t.Payload = nil
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode task: %w", err)
	}
	if len(payload) == 0 {
		return text, nil
	}
	out := append([]byte(`{"payload":`), payload...)
	return append(append(out, ','), bytes.TrimPrefix(text, []byte("{"))...), nil
}

// Task is one task; with wait, when it has ended or the time is over.
func (c *Client) Task(ctx context.Context, project, id string, wait time.Duration) (Task, error) {
	path := projectPath(project) + "/tasks/" + url.PathEscape(id)
	if wait > 0 {
		path += "?wait=" + strconv.Itoa(int(wait.Seconds()))
	}
	return call[Task](ctx, c, http.MethodGet, path, nil)
}

// Tasks lists tasks.
func (c *Client) Tasks(ctx context.Context, project string, f TaskFilter) ([]Task, error) {
	query := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	for name, value := range map[string]string{"function": f.Function, "before": f.Before} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Dead {
		query.Set("dead", "true")
	}
	return call[[]Task](ctx, c, http.MethodGet, projectPath(project)+"/tasks?"+query.Encode(), nil)
}

// RetryTask puts a task that failed or died back into its queue.
func (c *Client) RetryTask(ctx context.Context, project, id string) (Task, error) {
	return call[Task](ctx, c, http.MethodPost, projectPath(project)+"/tasks/"+url.PathEscape(id)+"/retry", struct{}{})
}

// CancelTask ends a task.
func (c *Client) CancelTask(ctx context.Context, project, id string) (Task, error) {
	return call[Task](ctx, c, http.MethodPost, projectPath(project)+"/tasks/"+url.PathEscape(id)+"/cancel", struct{}{})
}
