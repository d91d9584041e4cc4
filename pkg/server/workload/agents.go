package workload

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// Projects finds a project. *store.Store does.
type Projects interface {
	ProjectByName(ctx context.Context, name string) (store.Project, error)
}

// Agents lets requests of agents in, and tells whose they are.
type Agents struct {
	respond.Responder
	verifier *Verifier
	projects Projects
	alive    *alive
}

// NewAgents believes what the verifier has checked of allocations that run.
func NewAgents(r respond.Responder, v *Verifier, projects Projects, allocations Allocations) *Agents {
	return &Agents{Responder: r, verifier: v, projects: projects, alive: newAlive(allocations)}
}

type identityKey struct{}

// Guard lets a request with a valid workload identity through.
func (a *Agents) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := peer.Bearer(r)
		who, err := a.verifier.Verify(r.Context(), token)
		if errors.Is(err, ErrInvalid) {
			err = api.NewProblem(api.Unauthenticated, "%s", err)
		}
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		respond.RequestOf(r.Context()).Caller = who.Namespace + "/" + who.JobID
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, who)))
	})
}

// skew is by how much the clocks of Nomad's servers and ours may differ.
const skew = 5 * time.Second

// Of is the agent and the project that Nomad says it runs for. A name may have come
// back for another project, and what Nomad signed for the first outlives it: so the
// allocation must run. While Nomad does not answer, and starts must go on, the identity
// must at least be younger than the project.
func (a *Agents) Of(r *http.Request) (Identity, store.Project, error) {
	who, p, young, err := a.signed(r)
	if err != nil {
		return who, p, err
	}
	alive, known, err := a.alive.ask(r.Context(), who)
	if !known {
		a.WarnUnknown(r.Context(), who, err)
		alive = young
	}
	if !alive {
		return who, store.Project{}, api.NewProblem(api.Unauthenticated, "%s: its allocation does not run", ErrInvalid)
	}
	return who, p, nil
}

// Signed is who an agent is by what Nomad signed alone; whether its allocation runs is
// for the caller to find out.
func (a *Agents) Signed(r *http.Request) (Identity, store.Project, error) {
	who, p, young, err := a.signed(r)
	if err == nil && !young {
		err = api.NewProblem(api.Unauthenticated, "%s: it is of another project of that name", ErrInvalid)
	}
	return who, p, err
}

// signed says besides whether the identity is younger than the project.
func (a *Agents) signed(r *http.Request) (who Identity, p store.Project, young bool, err error) {
	who, ok := r.Context().Value(identityKey{}).(Identity)
	if !ok {
		return who, p, false, api.NewProblem(api.Unauthenticated, "%s", ErrInvalid)
	}
	if p, err = a.projects.ProjectByName(r.Context(), who.Namespace); err != nil {
		return who, p, false, err
	}
	return who, p, !who.Issued.Before(p.CreatedAt.Add(-skew)), nil
}

// WarnUnknown tells that Nomad did not answer for an allocation.
func (a *Agents) WarnUnknown(ctx context.Context, w Identity, err error) {
	a.Log.LogAttrs(ctx, slog.LevelWarn, "Nomad does not tell whether an allocation runs", slog.String("request_id", respond.RequestOf(ctx).ID),
		slog.String("allocation", w.Allocation), slog.Any("error", err))
}
