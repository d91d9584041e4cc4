// Package logroutes takes entries of logs from agents, and gives people the lines of
// their projects.
package logroutes

import (
	"context"
	"net/http"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/logs/follow"
	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

// Logs keeps the logs of projects. *logs.Loki does.
type Logs interface {
	// Push stores entries and returns how many of them it would not take.
	Push(ctx context.Context, tenant string, from logs.Origin, entries []api.LogEntry) (rejected int, err error)
	follow.Finder
}

// LastLogs keeps what an agent cannot wait with. *logs.Relay does.
type LastLogs interface {
	Keep(tenant string, from logs.Origin, entries []api.LogEntry) error
	Say(tenant string, from logs.Origin, level, text string)
}

// Origins says with which arguments an agent was started. *nomad.Client does.
type Origins interface {
	Arguments(ctx context.Context, namespace, job, id string) (args []string, running bool, err error)
}

// People are those who read logs.
type People interface {
	Target(r *http.Request) (store.Actor, store.Project, error)
}

// Agents are those who bring entries.
type Agents interface {
	Signed(r *http.Request) (workload.Identity, store.Project, error)
	WarnUnknown(ctx context.Context, who workload.Identity, err error)
}

// Options are what Routes need. Logs, Last and Origins are nil on a platform without logs.
type Options struct {
	respond.Responder
	Logs    Logs
	Last    LastLogs
	Origins Origins
	People  People
	Agents  Agents
	// Daily is what one project may write in a day, in bytes; 0 for no bound.
	Daily int64
}

var (
	// One that follows a log has its place until it leaves; callers are keys.
	readPlaces = limit.Places{What: "looks at logs", Of: 10, All: 200, Wait: 10 * time.Second}
	// What is read of a log before that takes memory.
	historyPlaces = limit.Places{What: "looks at logs", Of: 3, All: 8, Wait: 20 * time.Second}
	// A batch of a log holds a few megabytes; callers are projects, whose agents come
	// again.
	batchPlaces = limit.Places{What: "batches of logs", Of: 4, All: 16, Wait: 20 * time.Second}
)

// Routes answer requests about logs.
type Routes struct {
	Options
	reads     *limit.Slots
	histories *limit.Slots
	batches   *limit.Slots
	quota     *logQuota
	origins   *origins
	// ending is closed when answers that go on without an end are to end.
	ending  chan struct{}
	endOnce sync.Once
}

// New makes routes.
func New(o Options) *Routes {
	return &Routes{
		Options: o, reads: limit.NewSlots(readPlaces), histories: limit.NewSlots(historyPlaces), batches: limit.NewSlots(batchPlaces),
		quota: newLogQuota(o.Daily), origins: newOrigins(), ending: make(chan struct{}),
	}
}

// End ends the answers that would go on.
func (l *Routes) End() { l.endOnce.Do(func() { close(l.ending) }) }

// haveLogs refuses where the platform has no Loki.
func (l *Routes) haveLogs() error {
	if l.Logs == nil {
		return api.NewProblem(api.Failed, "this platform keeps no logs").WithHelp("its operator sets where they are kept (FNGEND_LOKI_ADDR)")
	}
	return nil
}
