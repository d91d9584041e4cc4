package dispatch_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// world is a control plane with one project, at a real broker.
type world struct {
	*dispatch.Service
	t      *testing.T
	store  *store.Store
	broker *queue.Broker
	p      store.Project
	// releases are those of allocations, and alive those that live.
	releases map[string]int
	alive    map[string]bool
	logins   map[string]task.Broker
	// versions count what was written to logins.
	versions map[string]int64
	payloads *largepayload.Dir
}

func (w *world) ReleaseOf(_ context.Context, _, _, allocation string) (int, error) {
	return w.releases[allocation], nil
}

func (w *world) Alive(_ context.Context, _, _, id string) (bool, error) { return w.alive[id], nil }

func (w *world) WriteBroker(_ context.Context, project string, b task.Broker) error {
	w.logins[project] = b
	w.versions[project]++
	return nil
}

func (w *world) BrokerVersion(_ context.Context, project string) (int64, error) {
	return w.versions[project], nil
}

func (w *world) DeleteBroker(_ context.Context, project string) error {
	delete(w.logins, project)
	delete(w.versions, project)
	return nil
}

func newWorld(t *testing.T, project string) *world {
	t.Helper()
	return newWorldAt(t, brokertest.Shared(t), project)
}

func newWorldAt(t *testing.T, node *brokertest.Node, project string) *world {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	account, err := s.CreateAccount(t.Context(), store.Actor{Email: "operator"}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, broker: queue.New(node.Config()), releases: map[string]int{}, alive: map[string]bool{}, logins: map[string]task.Broker{}, versions: map[string]int64{}}
	if w.p, err = s.CreateProject(t.Context(), store.Actor{AccountID: account.ID}, project); err != nil {
		t.Fatal(err)
	}
	if w.payloads, err = largepayload.Open(filepath.Join(t.TempDir(), "payloads")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.payloads.Close() })
	w.start()
	return w
}

// start is a control plane that comes up.
func (w *world) start() {
	w.t.Helper()
	w.Service = dispatch.New(w.t.Context(), dispatch.Options{
		Store: w.store, Ledger: tasks.New(w.store, nil), Broker: w.broker, Logins: w, Allocations: w, Payloads: w.payloads, Log: brokertest.Log(w.t),
	})
	if err := w.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.Stop)
}

// release adds a release with workers of these names, live or not.
func (w *world) release(live bool, workers ...string) {
	w.t.Helper()
	p := ir.Project{Version: ir.Version, Name: w.p.Name}
	for _, name := range workers {
		p.Functions = append(p.Functions, ir.Function{Name: name, Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{Concurrency: 1, Timeout: 60, Retries: 2}})
	}
	text, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.store.AddRelease(w.t.Context(), store.Actor{Email: "a"}, store.Release{ProjectID: w.p.ID, IR: text})
	if err == nil && live {
		err = w.store.SetReleaseState(w.t.Context(), store.Actor{Email: "a"}, w.p.ID, r.Number, store.Live, "")
	}
	if err == nil {
		err = w.Prepare(w.t.Context(), w.p, workers)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(from dispatch.Caller, o dispatch.Order) dispatch.Sent {
	w.t.Helper()
	sent, err := w.Send(w.t.Context(), w.p, from, []dispatch.Order{o})
	if err != nil {
		w.t.Fatal(err)
	}
	return sent[0]
}

// agent reads one function as its agent does, and tells what it is told to.
type agent struct {
	w *world
	*queue.Session
	publisher *queue.Publisher
}

func (w *world) agent(function string) *agent {
	b := w.logins[w.p.Name]
	a := &agent{w, queue.NewSession(b, "agent", brokertest.Log(w.t), queue.Source{Queue: task.Queue(w.p.Name, function), Prefetch: 10}), nil}
	ctx, end := context.WithCancel(w.t.Context())
	a.publisher = queue.NewPublisher(ctx, b, "agent", brokertest.Log(w.t))
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	w.t.Cleanup(func() { end(); <-done; a.publisher.Close() })
	return a
}

func (a *agent) next() *queue.Delivery {
	a.w.t.Helper()
	select {
	case d := <-a.Deliveries():
		return d
	case <-time.After(patience):
		a.w.t.Fatal("no task came")
		return nil
	}
}

func (a *agent) tell(events ...task.Event) {
	a.w.t.Helper()
	if err := a.tryTell(a.w.t.Context(), events...); err != nil {
		a.w.t.Fatal(err)
	}
}

func (a *agent) tryTell(ctx context.Context, events ...task.Event) error {
	body, err := json.Marshal(task.Events{Events: events})
	if err != nil {
		return err
	}
	id, err := task.NewID()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return a.publisher.Publish(ctx, queue.Letter{Exchange: task.EventExchange, ID: id, Body: body})
}

func (w *world) until(id, what string, f func(tasks.Task) bool) tasks.Task {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got, err := w.Get(w.t.Context(), w.p, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if f(got) {
			return got
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("never %s: %+v", what, got)
		}
	}
}

func event(id string, attempt int, state task.State) task.Event {
	return task.Event{ID: id, Attempt: attempt, State: state, At: time.Now(), Allocation: "one"}
}
