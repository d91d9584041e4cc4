// Package servertest is the real server with its store, its blobs and HTTP, for the
// tests of package server and of those below it. Only the cluster is played, by a
// deployer that is held to the suite which the real one passes.
package servertest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/server/workload/workloadtest"
	"fngen.dev/fngen/pkg/store"
)

// Platform deploys nothing, and keeps projects in its store.
type Platform struct {
	URL      string
	Store    *store.Store
	Blobs    *blob.Dir
	BlobPath string
	Deployer *Deployer
	Nomad    *workloadtest.Nomad
	Log      *Log
	// Key is that of the first account.
	Key string
	// Proxy is between clients made from now on and the server, when it is set.
	Proxy *Cutter

	options server.Options
	server  atomic.Pointer[server.Server]
}

// New starts one.
func New(t *testing.T) *Platform {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "fngend.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	blobPath := filepath.Join(t.TempDir(), "blobs")
	blobs, err := blob.Open(blobPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	p := &Platform{Store: s, Blobs: blobs, BlobPath: blobPath, Log: &Log{}, Nomad: workloadtest.New(t), Deployer: &Deployer{Store: s, Proceed: make(chan struct{})}}
	p.options = server.Options{
		Store: s, Blobs: blobs, Deployer: p.Deployer, Version: "test",
		Log:         slog.New(slog.NewJSONHandler(p.Log, nil)),
		Workloads:   workload.NewVerifier(p.Nomad.URL, p.Nomad.Client),
		Allocations: p.Nomad,
	}
	p.Restart(func(*server.Options) {})
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.Server().ServeHTTP(w, r) }))
	t.Cleanup(ts.Close)
	p.URL = ts.URL
	return p
}

// Server is the one that answers now.
func (p *Platform) Server() *server.Server { return p.server.Load() }

// Restart has a new server answer on the same store and blobs, with other options.
func (p *Platform) Restart(change func(*server.Options)) {
	change(&p.options)
	p.server.Store(server.New(p.options))
}

// Account makes an account and a client with a key of it.
func (p *Platform) Account(t *testing.T, email string) (*api.Client, store.Secret) {
	t.Helper()
	a, err := p.Store.CreateAccount(t.Context(), store.Actor{}, email)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := p.Store.CreateKey(t.Context(), store.Actor{}, a.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	if p.Key == "" {
		p.Key = secret.Reveal()
	}
	return p.Client(t, secret.Reveal()), secret
}

// Client is one with a key.
func (p *Platform) Client(t *testing.T, key string) *api.Client {
	t.Helper()
	address := p.URL + "/"
	if p.Proxy != nil {
		address = p.Proxy.Address
	}
	c, err := api.NewClient(address, key, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Log is a log that tests read while the server writes.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// NeverEnds stands for "it never happens", however busy the machine is.
const NeverEnds = 2 * time.Minute

// Within polls until f is true, and fails the test after a while.
func Within(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(NeverEnds)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
