// Package access knows people by their API keys, and holds each key to what it was made
// for.
package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// A key may make far more requests than a person or a CI run makes; an address
// may fail to authenticate a little faster than a person mistypes.
const (
	keyRate      = 50
	keyBurst     = 200
	failureRate  = 1
	failureBurst = 30
)

// Rows know keys and projects. *store.Store does.
type Rows interface {
	Authenticate(ctx context.Context, key string) (store.Actor, error)
	Project(ctx context.Context, account int64, name string) (store.Project, error)
}

// People lets requests of people in, and tells whose they are.
type People struct {
	respond.Responder
	rows     Rows
	proxies  peer.Proxies
	keys     *limit.Rates[int64]
	failures *limit.Rates[netip.Prefix]
}

// NewPeople believes the keys that rows have.
func NewPeople(r respond.Responder, rows Rows, proxies peer.Proxies) *People {
	return &People{
		Responder: r, rows: rows, proxies: proxies,
		keys: limit.NewRates[int64](keyRate, keyBurst), failures: limit.NewRates[netip.Prefix](failureRate, failureBurst),
	}
}

type actorKey struct{}

// ActorOf is who makes a request of a person's part of the API.
func ActorOf(ctx context.Context) (store.Actor, error) {
	if a, ok := ctx.Value(actorKey{}).(store.Actor); ok {
		return a, nil
	}
	return store.Actor{}, fmt.Errorf("%w: there is no API key", store.ErrUnauthenticated)
}

// Target is the caller and the project that a request is about.
func (p *People) Target(r *http.Request) (store.Actor, store.Project, error) {
	actor, err := ActorOf(r.Context())
	if err != nil {
		return actor, store.Project{}, err
	}
	project, err := p.Project(r.Context(), actor, r.PathValue("project"))
	return actor, project, err
}

// Project is a project of the caller's.
func (p *People) Project(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	return p.rows.Project(ctx, actor.AccountID, name)
}

// Guard lets a request with a valid API key through.
func (p *People) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := p.authenticate(r)
		if err != nil {
			if errors.Is(err, store.ErrUnauthenticated) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="fngen"`)
				// Only failures count: someone who guesses keys does not lock
				// out their neighbours behind the same address.
				if !p.failures.Allow(peer.Network(p.proxies.Caller(r))) {
					err = limit.TooMany("too many requests with a wrong API key came from this address")
				}
			}
			p.Refuse(w, r, err)
			return
		}
		respond.RequestOf(r.Context()).Caller = actor.Email
		if !p.keys.Allow(actor.KeyID) {
			p.Refuse(w, r, limit.TooMany("too many requests with this API key"))
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
	})
}

func (p *People) authenticate(r *http.Request) (store.Actor, error) {
	key, ok := peer.Bearer(r)
	if !ok {
		return store.Actor{}, fmt.Errorf("%w: the request has no API key", store.ErrUnauthenticated)
	}
	actor, err := p.rows.Authenticate(r.Context(), key)
	actor.RequestID = respond.RequestOf(r.Context()).ID
	return actor, err
}
