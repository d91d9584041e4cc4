// Package workloadtest is what an agent and the control plane know of a Nomad: it signs
// workload identities, publishes the public keys, and tells of allocations.
package workloadtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Nomad signs workload identities and publishes the public keys, as Nomad
// does. What is under test is our checking of them.
type Nomad struct {
	URL    string
	Client *http.Client
	Key    *rsa.PrivateKey
	id     atomic.Pointer[string]
	// Asked counts questions for the keys; while it is Broken there are no answers.
	Asked  atomic.Int64
	Broken atomic.Bool

	mu    sync.Mutex
	ended map[string]bool // allocations
	about int             // how often it was asked about one
}

// Alive is what Nomad says of allocations; e2e/isolation/identity_test.go holds the real one to it.
func (n *Nomad) Alive(_ context.Context, _, _, id string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.about++
	if n.Broken.Load() {
		return false, errors.New("no leader")
	}
	return !n.ended[id], nil
}

// End ends an allocation.
func (n *Nomad) End(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended[id] = true
}

// New has a key of its own.
func New(t *testing.T) *Nomad {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := &Nomad{Key: key, ended: map[string]bool{}}
	n.Rotate("key-1")
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Asked.Add(1)
		if r.URL.Path != "/.well-known/jwks.json" || n.Broken.Load() {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: *n.id.Load(), Algorithm: "RS256", Use: "sig"}}}
		if err := json.NewEncoder(w).Encode(set); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(ts.Close)
	n.URL, n.Client = ts.URL, ts.Client()
	return n
}

// Rotate gives the key another id.
func (n *Nomad) Rotate(id string) { n.id.Store(&id) }

// Claims are what a token says.
type Claims map[string]any

// JobClaims are those of an allocation of a job, as Nomad makes them.
func JobClaims(namespace, job string) Claims {
	now := time.Now()
	return Claims{
		"aud": "fngen", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"nomad_namespace": namespace, "nomad_job_id": job, "nomad_task": "main",
		"nomad_allocation_id": AllocationOf(namespace, job),
	}
}

// AllocationOf is the allocation that JobClaims name.
func AllocationOf(namespace, job string) string { return namespace + "/" + job + "/1" }

// With is the claims with one changed.
func (c Claims) With(name string, v any) Claims {
	c[name] = v
	return c
}

// Sign is a token with these claims.
func (n *Nomad) Sign(t *testing.T, c Claims) string {
	t.Helper()
	return SignWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: n.Key}, *n.id.Load(), c)
}

// SignWith is a token that somebody else signed.
func SignWith(t *testing.T, key jose.SigningKey, id string, c Claims) string {
	t.Helper()
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any(c)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Arguments is what Nomad says of allocations.
func (n *Nomad) Arguments(_ context.Context, _, job, id string) ([]string, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Broken.Load() {
		return nil, false, errors.New("no leader")
	}
	args := []string{"serve", "--function=live_app", "--power=webapp", "--server=default", "--release=3"}
	if job != "web-live_app" {
		return nil, false, nil
	}
	return args, !n.ended[id], nil
}

// About is how often it was asked about an allocation.
func (n *Nomad) About() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.about
}

// ID is that of the key.
func (n *Nomad) ID() string { return *n.id.Load() }
