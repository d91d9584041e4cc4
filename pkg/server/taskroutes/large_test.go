package taskroutes_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/taskroutes"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// keeper is what of package dispatch a large payload meets: it is kept, and its task is
// never sent.
type keeper struct {
	taskroutes.Tasks
	dir *largepayload.Dir

	mu     sync.Mutex
	orders []dispatch.Order
	kept   map[string]task.Large
}

func (k *keeper) SendLarge(ctx context.Context, p store.Project, _ dispatch.Caller, o dispatch.Order, body io.Reader, bytes int64) (dispatch.Sent, error) {
	if bytes > task.MaxLarge {
		return dispatch.Sent{}, &dispatch.TooLargeError{Bytes: bytes, Most: task.MaxLarge}
	}
	if o.Function != "send" {
		return dispatch.Sent{}, &dispatch.FunctionError{Function: o.Function, Workers: []string{"send"}}
	}
	id, err := task.NewID()
	if err != nil {
		return dispatch.Sent{}, err
	}
	is, err := k.dir.Put(ctx, p.ID, id, body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.orders, k.kept[id] = append(k.orders, o), is
	return dispatch.Sent{ID: id}, err
}

func (k *keeper) Get(_ context.Context, _ store.Project, id string) (tasks.Task, error) {
	return tasks.Task{ID: id, Function: "send", State: task.Queued, Attempt: 1}, nil
}

func (k *keeper) Payload(_ context.Context, p store.Project, id string) (*os.File, task.Large, error) {
	k.mu.Lock()
	is := k.kept[id]
	k.mu.Unlock()
	f, err := k.dir.Open(p.ID, id, is)
	return f, is, err
}

func (k *keeper) PayloadBytes(p store.Project) (int64, error) { return k.dir.Bytes(p.ID) }

func newKeeper(t *testing.T, p *servertest.Platform) *keeper {
	t.Helper()
	dir, err := largepayload.Open(filepath.Join(t.TempDir(), "payloads"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	k := &keeper{dir: dir, kept: map[string]task.Large{}}
	p.Restart(func(o *server.Options) { o.Tasks = k })
	return k
}

// TestLargePayload: the client sends what is too large for a message as a body of its own,
// and an agent of the project gets it, and no other's.
func TestLargePayload(t *testing.T) {
	p := servertest.New(t)
	k := newKeeper(t, p)
	client, _ := p.Account(t, "a@example.com")
	for _, name := range []string{"shop", "other"} {
		if _, err := client.CreateProject(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	text := `"` + strings.Repeat("x", 3*task.MaxPayload) + `"`
	order := api.NewTask{Function: "send", Payload: []byte(text), Key: "a key"}
	sent, err := client.RunTask(t.Context(), "shop", order)
	if err != nil {
		t.Fatal(err)
	}
	if o := k.orders[0]; o.Function != "send" || o.Key != "a key" {
		t.Errorf("it came as %+v", o)
	}
	path := "/v1/agent/tasks/" + sent.ID + "/payload"
	if resp, got := p.AgentRequest(t, http.MethodGet, path, "shop", "task-send", nil); string(got) != text {
		t.Errorf("an agent got %d bytes: %s", len(got), resp.Status)
	}
	if resp, _ := p.AgentRequest(t, http.MethodGet, path, "other", "task-send", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an agent of another project: %s", resp.Status)
	}
}

// TestLargeRefusals: each is heard, though all of a body was sent.
func TestLargeRefusals(t *testing.T) {
	p := servertest.New(t)
	newKeeper(t, p)
	client, _ := p.Account(t, "a@example.com")
	if _, err := client.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("1"), 8<<20)
	refused := func(what string, order api.NewTask, code api.Code, words string) {
		t.Helper()
		_, err := client.RunTask(t.Context(), "shop", order)
		problem, ok := errors.AsType[*api.Problem](err)
		if !ok || problem.Code != code || !strings.Contains(problem.Detail+problem.Help, words) {
			t.Errorf("%s: %v, want %s with %q", what, err, code, words)
		}
	}
	refused("unknown function", api.NewTask{Function: "sent", Payload: large}, api.NotFound, `did you mean "send"?`)
	refused("key", api.NewTask{Function: "send", Payload: large, Key: strings.Repeat("k", 201)}, api.Invalid, "the key has")
	refused("too large", api.NewTask{Function: "send", Payload: bytes.Repeat([]byte("1"), task.MaxLarge+1)}, api.TooLarge, "send its place")
	if _, err := client.RunTask(t.Context(), "shop", api.NewTask{Function: "send", Payload: large}); err != nil {
		t.Fatal(err)
	}
	p.Restart(func(o *server.Options) { o.Quota = 12 << 20 })
	refused("over the project's share", api.NewTask{Function: "send", Payload: large}, api.NoRoom, "this adds 8.4 MB")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/v1/projects/shop/tasks/large?function=send", io.MultiReader(strings.NewReader("1")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without a length: %s", resp.Status)
	}
}
