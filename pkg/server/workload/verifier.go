// Package workload knows which allocation of which project an agent speaks for: Nomad
// signs it, and tells whether the allocation runs.
package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// audience is what a token must be meant for.
	audience = "fngen"
	// keysAge is how long Nomad's keys are trusted unasked; keysPause is the
	// least time between two questions, since a stranger can invent key ids.
	keysAge   = 10 * time.Minute
	keysPause = 5 * time.Second
	leeway    = 30 * time.Second
	keysTime  = 3 * time.Second
	maxKeys   = 1 << 20
)

// ErrInvalid is a token that does not prove a workload.
var ErrInvalid = errors.New("the workload identity is not valid")

// Identity is who an agent is, by what Nomad signed.
type Identity struct {
	// Namespace is the project's name.
	Namespace  string `json:"nomad_namespace"`
	JobID      string `json:"nomad_job_id"`
	Allocation string `json:"nomad_allocation_id"`
	// Issued is when it was signed.
	Issued time.Time `json:"-"`
}

// Verifier checks Nomad workload identities against Nomad's public keys.
// It is safe for concurrent use.
type Verifier struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	keys  jose.JSONWebKeySet
	asked time.Time
	read  time.Time
}

// NewVerifier asks the Nomad at address for its keys when they are
// needed.
func NewVerifier(address string, client *http.Client) *Verifier {
	return &Verifier{url: strings.TrimSuffix(address, "/") + "/.well-known/jwks.json", client: client, now: time.Now}
}

// Verify returns whom a token speaks for.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	// Only these: a token must not choose how it is checked.
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.EdDSA})
	if err != nil || len(t.Headers) != 1 || t.Headers[0].KeyID == "" {
		return Identity{}, fmt.Errorf("%w: it is not a signed token", ErrInvalid)
	}
	key, err := v.key(ctx, t.Headers[0].KeyID)
	if err != nil {
		return Identity{}, err
	}
	var standard jwt.Claims
	var w Identity
	if err := t.Claims(key, &standard, &w); err != nil {
		return Identity{}, fmt.Errorf("%w: its signature is wrong", ErrInvalid)
	}
	if standard.Expiry == nil {
		return Identity{}, fmt.Errorf("%w: it never ends", ErrInvalid)
	}
	expected := jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: v.now()}
	if err := standard.ValidateWithLeeway(expected, leeway); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if w.Namespace == "" || w.JobID == "" || w.Allocation == "" || standard.IssuedAt == nil {
		return Identity{}, fmt.Errorf("%w: it names no allocation of a job", ErrInvalid)
	}
	w.Issued = standard.IssuedAt.Time()
	return w, nil
}

// key finds a public key by its id. One that is not known may be new: Nomad
// rotates them.
func (v *Verifier) key(ctx context.Context, id string) (any, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.keys.Key(id)
	now := v.now()
	if len(found) == 0 || now.Sub(v.read) > keysAge {
		if now.Sub(v.asked) > keysPause {
			v.asked = now
			keys, err := v.fetch(ctx)
			if err == nil {
				v.keys, v.read = keys, now
				found = keys.Key(id)
			} else if len(found) == 0 {
				// A question that failed may be asked again at once.
				v.asked = time.Time{}
				return nil, fmt.Errorf("read Nomad's public keys: %w", err)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: its key is not known", ErrInvalid)
	}
	return found[0].Key, nil
}

func (v *Verifier) fetch(ctx context.Context) (jose.JSONWebKeySet, error) {
	var keys jose.JSONWebKeySet
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, nil)
	if err != nil {
		return keys, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return keys, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return keys, fmt.Errorf("%s answered %s", v.url, resp.Status)
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxKeys)).Decode(&keys)
	return keys, err
}
