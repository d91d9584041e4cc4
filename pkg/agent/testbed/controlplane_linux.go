package testbed

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/api"
)

// answer answers a request in place of the control plane when it returns true.
type answer func(w http.ResponseWriter, r *http.Request) bool

// ControlPlane speaks the agent's part of the wire: /v1/agent/*.
type ControlPlane struct {
	*httptest.Server
	mu       sync.Mutex
	blobs    map[string][]byte // by path
	requests []string
	before   answer
	log      []api.LogEntry
}

func NewControlPlane(t *testing.T) *ControlPlane {
	c := &ControlPlane{blobs: map[string][]byte{}}
	c.Server = httptest.NewTLSServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *ControlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r.Method+" "+r.URL.Path)
	if c.before != nil && c.before(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer the-identity" {
		Problem(w, api.NewProblem(api.Unauthenticated, "not an identity"))
		return
	}
	if r.URL.Path == "/v1/agent/logs" {
		c.takeLog(w, r)
		return
	}
	body, found := c.blobs[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			Problem(w, api.NewProblem(api.Invalid, "%v", err))
			return
		}
		c.blobs[r.URL.Path] = body
		w.WriteHeader(http.StatusNoContent)
	case !found:
		Problem(w, api.NewProblem(api.NotFound, "there is no %s", r.URL.Path))
	default:
		w.Header().Set("Content-Type", "application/zstd")
		w.Write(body)
	}
}

func Problem(w http.ResponseWriter, p *api.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// Tree stores a tree and returns its digest.
func (c *ControlPlane) Tree(t *testing.T, entries ...agenttest.Entry) string {
	data := agenttest.Archive(t, entries...)
	m, err := archive.ExtractTree(agenttest.OpenTemp(t), -1, bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	digest := m.Digest()
	c.Has("/v1/agent/trees/"+strings.TrimPrefix(digest, "sha256:"), data)
	return digest
}

// Instead lets a answer from now on.
func (c *ControlPlane) Instead(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = a
}

// Has stores data at a path, or removes it.
func (c *ControlPlane) Has(path string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blobs[path] = data; data == nil {
		delete(c.blobs, path)
	}
}

// What returns the data at a path.
func (c *ControlPlane) What(path string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blobs[path]
}

func (c *ControlPlane) Count(request string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, r := range c.requests {
		if r == request {
			n++
		}
	}
	return n
}
