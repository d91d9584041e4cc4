// Package server is the control plane's HTTP edge: it authenticates, checks what
// came in, calls the store, the blobs or the deployer, and turns every error
// into a problem with a code. It decides nothing.
//
// Three kinds of callers, by path: people and CI under /v1 with an API key,
// agents under /v1/agent with their Nomad workload identity, and anyone for the
// health check and the API's description.
package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/access"
	"fngen.dev/fngen/pkg/server/layerroutes"
	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/logroutes"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/server/retention"
	"fngen.dev/fngen/pkg/server/taskroutes"
	"fngen.dev/fngen/pkg/server/treeroutes"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

// Options are what a Server is made of. All but the last line are required.
type Options struct {
	Store    *store.Store
	Blobs    *blob.Dir
	Deployer Deployer
	// Tasks is nil where the platform has no broker.
	Tasks taskroutes.Tasks
	// Workloads checks the identities of agents.
	Workloads *workload.Verifier
	// Allocations knows whether one that has an identity runs.
	Allocations workload.Allocations
	// Logs keeps the logs of projects, LastLogs what cannot wait for it, and Origins
	// knows whose they are; all nil on a platform without logs.
	Logs     logroutes.Logs
	LastLogs logroutes.LastLogs
	Origins  logroutes.Origins
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
	Proxies peer.Proxies
	// Pace is how slow a peer may be, the usual one when it is zero.
	Pace peer.Pace
}

var (
	// A push reads and compiles its tree; callers are keys. One that goes on may
	// last as long as a build.
	changePlaces = limit.Places{What: "pushes, rollbacks and destroys", Of: 8, All: 64, Wait: 2 * time.Minute}
	planPlaces   = limit.Places{What: "plans", Of: 4, All: 16, Wait: 20 * time.Second}
	// Sending a tree to an agent holds a few megabytes of memory; callers are projects,
	// whose agents come again when they are refused.
	sendPlaces = limit.Places{What: "downloads", Of: 8, All: 24, Wait: 20 * time.Second}
)

// Server answers requests.
type Server struct {
	Options
	respond.Responder
	people  *access.People
	agents  *workload.Agents
	using   *retention.Using
	changes *limit.Slots
	plans   *limit.Slots
	sends   *limit.Slots
	trees   *treeroutes.Routes
	layers  *layerroutes.Routes
	tasks   *taskroutes.Routes
	logs    *logroutes.Routes
	guarded *access.Mux
	handler http.Handler
}

// New makes a server.
func New(o Options) *Server {
	if o.Pace == (peer.Pace{}) {
		o.Pace = peer.UsualPace
	}
	answer := respond.Responder{Log: o.Log}
	s := &Server{
		Options: o, Responder: answer,
		people: access.NewPeople(answer, o.Store, o.Proxies), agents: workload.NewAgents(answer, o.Workloads, o.Store, o.Allocations),
		using: retention.NewUsing(), changes: limit.NewSlots(changePlaces), plans: limit.NewSlots(planPlaces), sends: limit.NewSlots(sendPlaces),
	}
	s.rooms()
	mux := http.NewServeMux()
	s.guarded = access.NewMux(mux, answer)
	s.routePeople(humago.New(s.guarded, describe(o.Version)), s.guarded)
	s.routeAgents(mux)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("/", s.noRoute)
	s.handler = &respond.Logged{Responder: answer, Proxies: o.Proxies, Pace: o.Pace, Next: s.authenticated(mux)}
	return s
}

// rooms makes what answers the requests about trees, layers, tasks and logs.
func (s *Server) rooms() {
	var payloads func(store.Project) (int64, error)
	if s.Tasks != nil {
		payloads = s.Tasks.PayloadBytes
	}
	room := quota.NewRoom(s.Blobs, s.Store, quota.Bounds{Project: s.Quota, Reserve: s.Reserve}, payloads)
	budget := quota.NewBudget(s.Daily)
	s.trees = treeroutes.New(treeroutes.Options{
		Responder: s.Responder, Rows: s.Store, Blobs: s.Blobs, People: s.people, Agents: s.agents, Room: room, Budget: budget, Using: s.using, Sends: s.sends, Pace: s.Pace,
	})
	s.layers = &layerroutes.Routes{Responder: s.Responder, Rows: s.Store, Blobs: s.Blobs, Agents: s.agents, Room: room, Budget: budget, Sends: s.sends, Pace: s.Pace}
	s.tasks = taskroutes.New(taskroutes.Options{Responder: s.Responder, Tasks: s.Tasks, People: s.people, Agents: s.agents, Room: room, Budget: budget, Pace: s.Pace})
	s.logs = logroutes.New(logroutes.Options{Responder: s.Responder, Logs: s.Logs, Last: s.LastLogs, Origins: s.Origins, People: s.people, Agents: s.agents, Daily: s.DailyLog})
}

// Sweeper removes what projects do not need any more, beside the uploads of this server.
func (s *Server) Sweeper() *retention.Sweeper {
	return &retention.Sweeper{Rows: s.Store, Contents: s.Blobs, Log: s.Options.Log, Using: s.using, Busy: s.trees.Busy}
}

// end ends the answers that would go on.
func (s *Server) end() { s.logs.End() }

// ServeHTTP makes Server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// authenticated demands what each part of the tree demands. A handler takes the
// caller from the context and refuses when there is none, so that a path which
// slipped past here opens nothing.
func (s *Server) authenticated(next http.Handler) http.Handler {
	people, agents := s.people.Guard(next), s.agents.Guard(next)
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
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"status":"ok"}`)
}

func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, api.NewProblem(api.NotFound, "there is no %s %s", r.Method, r.URL.Path).
		WithHelp("see /openapi.json; a newer fngen may need a newer platform"))
}

// describe is the head of the API's description.
func describe(version string) huma.Config {
	c := huma.DefaultConfig("fngen", version)
	// Without the hooks: they add a "$schema" field to every answer.
	c.CreateHooks = nil
	c.Transformers = []huma.Transformer{respond.ProblemOfFramework}
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
