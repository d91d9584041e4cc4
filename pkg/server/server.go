// Package server is the control plane's HTTP edge: it authenticates, checks what
// came in, calls the store, the blobs or the deployer, and turns every error
// into a problem with a code. It decides nothing.
//
// Three kinds of callers, by path: people and CI under /v1 with an API key,
// agents under /v1/agent with their Nomad workload identity, and anyone for the
// health check and the API's description.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// Deployer makes trees live and takes projects down.
type Deployer interface {
	Changes
	States
	Owners
}

// Changes change what a project runs.
type Changes interface {
	// Push begins to make a tree live. The events go on until the channel is
	// closed, and the work does not end with ctx once it is accepted.
	Push(ctx context.Context, actor store.Actor, p store.Project, req api.PushRequest) (<-chan api.Event, error)
	// Rollback begins to make an earlier release live, the last one for 0. The
	// events are as those of Push.
	Rollback(ctx context.Context, actor store.Actor, p store.Project, release int) (<-chan api.Event, error)
	// SetVariables begins to change them. The events are as those of Push.
	SetVariables(ctx context.Context, actor store.Actor, p store.Project, req api.SetVariables) (<-chan api.Event, error)
}

// States tell what there is, and what would be.
type States interface {
	// Plan tells what a push would do, and changes nothing.
	Plan(ctx context.Context, p store.Project, req api.PlanRequest) (api.Plan, error)
	// Releases is the history, newest first.
	Releases(ctx context.Context, p store.Project) ([]api.Release, error)
	// Variables lists the names of the project's variables.
	Variables(ctx context.Context, p store.Project) (api.Variables, error)
	Status(ctx context.Context, p store.Project) (api.Status, error)
	// LiveStatic are the keys of the static files that the live release serves.
	LiveStatic(ctx context.Context, p store.Project) ([]string, error)
}

// Owners have projects of the platform.
type Owners interface {
	// Create checks the name and adds a project: its row and its place in the
	// cluster.
	Create(ctx context.Context, actor store.Actor, name string) (store.Project, error)
	// Destroy removes a project with all that belongs to it.
	Destroy(ctx context.Context, actor store.Actor, p store.Project) (api.Destroyed, error)
	// List tells where each project stands, in the order given.
	List(page []store.Summary) ([]api.Project, error)
	Platform(ctx context.Context) (api.Platform, error)
}

// Options are what a Server is made of. All but the last line are required.
type Options struct {
	Store    *store.Store
	Blobs    *blob.Dir
	Deployer Deployer
	// Tasks is nil where the platform has no broker.
	Tasks Tasks
	// Workloads checks the identities of agents.
	Workloads *WorkloadVerifier
	// Allocations knows whether one that has an identity runs.
	Allocations Allocations
	// Logs keeps the logs of projects, LastLogs what cannot wait for it, and Origins
	// knows whose they are; all nil on a platform without logs.
	Logs     Logs
	LastLogs LastLogs
	Origins  Origins
	// DailyLog is what one project may write to its log within a day, in bytes; 0 for
	// no bound.
	DailyLog int64
	Log      *slog.Logger
	Version  string
	// Quota is what the contents of one project may take, Reserve what stays free
	// of the blobs' disk, in bytes.
	Quota, Reserve int64
	// Daily is what one account may send in a day, in bytes, and Projects how many it
	// may have; 0 for no bound.
	Daily    int64
	Projects int
	// Proxies are the addresses of routers whose X-Forwarded-For is believed. None
	// by default: any other caller writes there what it likes.
	Proxies []netip.Prefix
}

// Server answers requests.
type Server struct {
	Options
	keys     *limiters[int64]
	failures *limiters[netip.Prefix]
	intakes  *turns
	uploads  *slots
	sends    *slots
	changes  *slots
	plans    *slots
	large    *slots
	alive    *alive
	using    *using
	budget   *budget
	memory   *memory
	pace     pace
	room     *room
	people   *scoped
	handler  http.Handler

	reads     *slots
	histories *slots
	logPlaces *slots
	quota     *logQuota
	origins   *origins
	// ending is closed when answers that go on without an end are to end.
	ending  chan struct{}
	endOnce sync.Once
}

// end ends the answers that would go on.
func (s *Server) end() { s.endOnce.Do(func() { close(s.ending) }) }

// New makes a server.
func New(o Options) *Server {
	s := &Server{Options: o, keys: newLimiters[int64](keyRate, keyBurst), failures: newLimiters[netip.Prefix](failureRate, failureBurst), intakes: newTurns()}
	s.uploads, s.sends, s.changes = newSlots(uploadPlaces), newSlots(sendPlaces), newSlots(changePlaces)
	s.plans, s.alive = newSlots(planPlaces), &alive{allocations: o.Allocations, now: time.Now, heard: map[string]heard{}}
	s.using, s.budget = newUsing(), newBudget(o.Daily)
	s.memory, s.pace, s.room = newMemory(), usualPace, newRoom(o.Blobs, o.Store, o.Quota, o.Reserve)
	if o.Tasks != nil {
		s.room.payloads = o.Tasks.PayloadBytes
	}
	s.histories, s.large = newSlots(historyPlaces), newSlots(largePlaces)
	s.reads, s.logPlaces, s.quota, s.origins, s.ending = newSlots(readPlaces), newSlots(logPlaces), newLogQuota(o.DailyLog), newOrigins(), make(chan struct{})
	mux := http.NewServeMux()
	s.people = &scoped{ServeMux: mux, server: s}
	s.routePeople(humago.New(s.people, describe(o.Version)), s.people)
	s.routeAgents(mux)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("/", s.noRoute)
	s.handler = s.logged(s.authenticated(mux))
	return s
}

// ServeHTTP makes Server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// authenticated demands what each part of the tree demands. A handler takes the
// caller from the context and refuses when there is none, so that a path which
// slipped past here opens nothing.
func (s *Server) authenticated(next http.Handler) http.Handler {
	people, agents := s.withKey(next), s.withWorkload(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/agent/"):
			agents.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			people.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.Store.Ping(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"status":"ok"}`)
}

func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, api.NewProblem(api.NotFound, "there is no %s %s", r.Method, r.URL.Path).
		WithHelp("see /openapi.json; a newer fngen may need a newer platform"))
}

// describe is the head of the API's description.
func describe(version string) huma.Config {
	c := huma.DefaultConfig("fngen", version)
	// Without the hooks: they add a "$schema" field to every answer.
	c.CreateHooks = nil
	c.Transformers = []huma.Transformer{problemOfFramework}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "An API key, fngen_..."},
	}
	c.Security = []map[string][]string{{"key": {}}}
	return c
}

// schemaName keeps the types of the resolved project apart from those of the API.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[ir.Project]().PkgPath() {
		return "Resolved" + name
	}
	return name
}
