// Package deploytest is a platform for tests of package deploy: its Nomad, Vault and locks
// are in memory, its store and blobs are real, and each call of its control plane can be
// made to fail. The tests of what a control plane does as a whole are here too.
package deploytest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad/nomadtest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/deploy/router"
	"fngen.dev/fngen/pkg/lock/locktest"
	"fngen.dev/fngen/pkg/secret/secrettest"
	"fngen.dev/fngen/pkg/store"
)

// lockTime is after how long the lock of a control plane that has died is free.
const lockTime = 15 * time.Second

// healTime is how long a platform on which nothing fails any more may take until
// what the store says is what runs.
const healTime = time.Minute

// world is a platform of which Nomad and the locks are in memory, and store and blobs
// are real. It is in a bubble of synctest: its times take none.
type world struct {
	*testing.T
	nomad   *nomadtest.Cluster
	store   *store.Store
	blobs   *blob.Dir
	locks   *locktest.Locker
	secrets *secrettest.Memory
	log     *journalText
	faults  *faults
	service *deploy.Service
	actor   store.Actor
	project store.Project
	// silent is since when nobody serves the project that was live.
	silent  string
	expects bool
	// destroyed says that a destroy was begun.
	destroyed bool
	// talk is what the last change said, result how it ended when it ended well.
	talk   []string
	result *api.PushResult
	// tasks is the broker's side of task workers, nil for a platform without, for the next
	// control plane.
	tasks deploy.Tasks
	// journal is where changes are told too, for the next control plane.
	journal deploy.Journal
	// meanwhile, once, is what somebody else does before the control plane writes
	// variables.
	meanwhile func()
}

func newWorld(t *testing.T) *world {
	dir, err := os.MkdirTemp("/dev/shm", "fngen-test-") // a disk would be most of the test's time
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{T: t, locks: &locktest.Locker{}, secrets: &secrettest.Memory{}, log: &journalText{}}
	w.nomad = nomadtest.New(
		&nomadtest.Node{ID: "s-1", Class: "s", Region: "us-west", MB: 2048}, &nomadtest.Node{ID: "s-2", Class: "s", Region: "us-west", MB: 2048},
		&nomadtest.Node{ID: "p", Class: "platform", Region: "us-west", MB: 4096},
	)
	w.nomad.Ended = w.stored
	w.nomad.Changed = func(serving func(string) []string) {
		if w.expects && !w.destroyed && w.silent == "" && len(serving("shop.fngen.localhost")) == 0 {
			w.silent = time.Now().Format(time.TimeOnly)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "db"), must(emptyStore())(t), 0o600); err != nil {
		t.Fatal(err)
	}
	w.store = must(store.Open(t.Context(), filepath.Join(dir, "db")))(t)
	w.blobs = must(blob.Open(dir))(t)
	account := must(w.store.CreateAccount(t.Context(), store.Actor{Email: "test"}, "a@example.com"))(t)
	w.actor = store.Actor{AccountID: account.ID, Email: account.Email}
	w.begin()
	w.project = must(w.service.Create(t.Context(), w.actor, "shop"))(t)
	return w
}

// emptyStore is the database of a store in which nothing is: to make one takes longer
// than all that a test does with it.
var emptyStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fngen-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "db")
	s, err := store.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func (w *world) end() {
	w.service.Stop()
	if err := errors.Join(w.store.Close(), w.blobs.Close()); err != nil {
		w.Error(err)
	}
}

// begin starts a control plane in the place of the one before.
func (w *world) begin() {
	w.faults = &faults{}
	w.service = w.plane(w.faults)
	w.faults.killed = w.service.Abort
}

// plane is a control plane more on the same platform.
func (w *world) plane(f *faults) *deploy.Service {
	log := slog.New(slog.NewTextHandler(w.log, nil))
	cfg := deploy.Config{
		Cluster: jobs.DefaultCluster(), DefaultRegion: "us-west", Pythons: []string{"3.13"}, Journal: w.journal, Tasks: w.tasks,
		Router: router.Asking(&http.Client{Transport: &ingress{cluster: w.nomad}}, jobs.DefaultCluster()),
	}
	return deploy.New(w.Context(), cfg, faultyStore{w.store, f}, faultyBlobs{w.blobs, f}, faultyNomad{w.nomad, f}, faultyLocks{w.locks, f}, faultySecrets{w.secrets, w}, log)
}

// next is what comes after the death of a control plane: its lock runs out, and the
// next one puts right what it has left.
func (w *world) next() {
	w.service.Stop()
	w.begin()
	if err := w.service.Recover(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// stored is what a build leaves in the store.
func (w *world) stored(job *nomadapi.Job) {
	kind, key, _ := strings.Cut(*job.ID, "-")
	if kind == "build" || kind == "schemas" {
		p := must(w.store.ProjectByName(w.Context(), *job.Namespace))(w.T)
		digest, size, err := w.blobs.PutStream(w.Context(), scope(p), strings.NewReader(key))
		if err == nil {
			err = w.store.SaveLayer(w.Context(), p.ID, store.Layer{Key: key, SHA256: digest, Size: size})
		}
		if err != nil {
			w.Error(err)
		}
	}
}

// journalText is a log that may be read while it is written.
type journalText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journalText) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journalText) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// ingress is the router: it leads to the instances of a host in turn.
type ingress struct {
	cluster *nomadtest.Cluster
	turn    atomic.Int64
}

func (i *ingress) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
	if ids := i.cluster.Serving(req.URL.Hostname()); len(ids) > 0 {
		resp.StatusCode = http.StatusOK
		resp.Header.Set("Fngen-Allocation", ids[int(i.turn.Add(1))%len(ids)])
	}
	return resp, nil
}

// scope is where a project's blobs are.
func scope(p store.Project) string { return strconv.FormatInt(p.ID, 10) }

// irOf is the resolved project of a release.
func (w *world) irOf(r store.Release) ir.Project {
	w.Helper()
	var p ir.Project
	if err := json.Unmarshal(r.IR, &p); err != nil {
		w.Fatal(err)
	}
	return p
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
