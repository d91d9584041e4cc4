// Package treeroutes takes trees in and sends them to agents. A tree comes as a list of
// its files with the contents that the project lacks, large contents by themselves, each
// within the limits of memory, disk and time.
package treeroutes

import (
	"context"
	"net/http"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/server/retention"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

// Rows keep lists of files. *store.Store does.
type Rows interface {
	UseTree(ctx context.Context, project int64, digest string) (bool, error)
	Tree(ctx context.Context, project int64, digest string) (source.Manifest, error)
	LatestTree(ctx context.Context, project int64) (source.Manifest, error)
	SaveTree(ctx context.Context, actor store.Actor, project int64, m source.Manifest) error
}

// People are those who send trees.
type People interface {
	Target(r *http.Request) (store.Actor, store.Project, error)
	Project(ctx context.Context, actor store.Actor, name string) (store.Project, error)
}

// Agents are those who fetch trees.
type Agents interface {
	Of(r *http.Request) (workload.Identity, store.Project, error)
}

// Options are what Routes need, all of them.
type Options struct {
	respond.Responder
	Rows   Rows
	Blobs  *blob.Dir
	People People
	Agents Agents
	Room   *quota.Room
	Budget *quota.Budget
	Using  *retention.Using
	// Sends are the places of those who send to agents, or take from them.
	Sends *limit.Slots
	Pace  peer.Pace
}

// uploadPlaces: each upload holds a few megabytes of memory; callers are keys.
var uploadPlaces = limit.Places{What: "uploads", Of: 4, All: 24, Wait: 20 * time.Second}

// Routes answer requests about trees.
type Routes struct {
	Options
	intakes *limit.Turns
	uploads *limit.Slots
	memory  *memory
}

// New makes routes.
func New(o Options) *Routes {
	return &Routes{Options: o, intakes: limit.NewTurns(), uploads: limit.NewSlots(uploadPlaces), memory: newMemory()}
}

// Busy reports whether a content is being sent to a scope.
func (t *Routes) Busy(scope, id string) bool { return t.intakes.Taken(partOf(scope, id)) }
