// Package taskroutes takes tasks from people and from agents, and tells what becomes of
// them.
package taskroutes

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

const (
	// maxTasksBody bounds many tasks at once.
	maxTasksBody = 16 << 20
)

// Tasks sends tasks and knows what becomes of them. *dispatch.Service does.
type Tasks interface {
	Sender
	Payloads
	Ledger
	Claims
}

// Sender sends tasks.
type Sender interface {
	Send(ctx context.Context, p store.Project, from dispatch.Caller, orders []dispatch.Order) ([]dispatch.Sent, error)
	SendLarge(ctx context.Context, p store.Project, from dispatch.Caller, o dispatch.Order, body io.Reader, bytes int64) (dispatch.Sent, error)
}

// Payloads has what is too large for a message.
type Payloads interface {
	// Payload opens the large payload of a task, PayloadBytes is what those of a project take.
	Payload(ctx context.Context, p store.Project, id string) (*os.File, task.Large, error)
	PayloadBytes(p store.Project) (int64, error)
}

// Ledger tells where tasks stand, and changes it.
type Ledger interface {
	Get(ctx context.Context, p store.Project, id string) (tasks.Task, error)
	Wait(ctx context.Context, p store.Project, id string) (tasks.Task, error)
	List(ctx context.Context, p store.Project, f tasks.Filter) ([]tasks.Task, error)
	Retry(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error)
	Cancel(ctx context.Context, actor store.Actor, p store.Project, id string) (tasks.Task, error)
}

// Claims answers agents that may not know whether a task is theirs to run.
type Claims interface {
	Claim(ctx context.Context, p store.Project, job, allocation, id string, attempt int) (verdict string, starts int, err error)
	Cancelled(ctx context.Context, p store.Project) ([]string, error)
}

// People are those who send tasks from outside.
type People interface {
	Target(r *http.Request) (store.Actor, store.Project, error)
}

// Agents are allocations that send tasks and run them.
type Agents interface {
	Of(r *http.Request) (workload.Identity, store.Project, error)
}

// Options are what Routes need. All but Tasks are required.
type Options struct {
	respond.Responder
	// Tasks is nil where the platform has no broker.
	Tasks  Tasks
	People People
	Agents Agents
	Room   *quota.Room
	Budget *quota.Budget
	Pace   peer.Pace
}

// largePlaces: a large payload is held in memory once, one after the other; callers are
// projects.
var largePlaces = limit.Places{What: "large payloads", Of: 2, All: 8, Wait: time.Minute}

// Routes answer requests about tasks.
type Routes struct {
	Options
	large *limit.Slots
}

// New makes routes.
func New(o Options) *Routes { return &Routes{Options: o, large: limit.NewSlots(largePlaces)} }

// Mux is what routes are added to.
type Mux interface {
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// ForPeople adds the routes of people.
func (t *Routes) ForPeople(mux Mux) {
	mux.HandleFunc("POST /v1/projects/{project}/tasks", t.asPerson(t.sendTasks))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/large", t.sendLarge(t.personCaller))
	mux.HandleFunc("GET /v1/projects/{project}/tasks", t.asPerson(t.listTasks))
	mux.HandleFunc("GET /v1/projects/{project}/tasks/{id}", t.asPerson(t.getTask))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/{id}/retry", t.asPerson(t.retryTask))
	mux.HandleFunc("POST /v1/projects/{project}/tasks/{id}/cancel", t.asPerson(t.cancelTask))
}

// ForAgents adds the routes of agents.
func (t *Routes) ForAgents(mux Mux) {
	mux.HandleFunc("POST /v1/agent/tasks", t.asAgent(t.sendTasks))
	mux.HandleFunc("POST /v1/agent/tasks/large", t.sendLarge(t.agentCaller))
	mux.HandleFunc("GET /v1/agent/tasks/{id}/payload", t.getPayload)
	mux.HandleFunc("GET /v1/agent/tasks/{id}", t.asAgent(t.getTask))
	mux.HandleFunc("GET /v1/agent/tasks/cancelled", t.asAgent(t.cancelledTasks))
	mux.HandleFunc("POST /v1/agent/tasks/claims", t.asAgent(t.claimTask))
}
