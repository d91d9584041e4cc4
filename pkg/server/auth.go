package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

type actorKey struct{}

// actorOf is who makes a request of a person's part of the API.
func actorOf(ctx context.Context) (store.Actor, error) {
	if a, ok := ctx.Value(actorKey{}).(store.Actor); ok {
		return a, nil
	}
	return store.Actor{}, fmt.Errorf("%w: there is no API key", store.ErrUnauthenticated)
}

// withKey lets a request with a valid API key through.
func (s *Server) withKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := s.authenticate(r)
		if err != nil {
			if errors.Is(err, store.ErrUnauthenticated) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="fngen"`)
				// Only failures count: someone who guesses keys does not lock
				// out their neighbours behind the same address.
				if !s.failures.allow(networkOf(s.callerOf(r))) {
					err = tooMany("too many requests with a wrong API key came from this address")
				}
			}
			s.refuse(w, r, err)
			return
		}
		infoOf(r.Context()).caller = actor.Email
		if !s.keys.allow(actor.KeyID) {
			s.refuse(w, r, tooMany("too many requests with this API key"))
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
	})
}

func (s *Server) authenticate(r *http.Request) (store.Actor, error) {
	key, ok := bearer(r)
	if !ok {
		return store.Actor{}, fmt.Errorf("%w: the request has no API key", store.ErrUnauthenticated)
	}
	actor, err := s.Store.Authenticate(r.Context(), key)
	actor.RequestID = infoOf(r.Context()).id
	return actor, err
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *api.Problem
	if errors.As(err, &p) && p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	s.fail(w, r, err)
}

func tooMany(detail string) *api.Problem {
	p := api.NewProblem(api.Busy, "%s", detail).WithHelp("wait a little and try again")
	p.Status = http.StatusTooManyRequests
	return p
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}
