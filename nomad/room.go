package nomad

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"
)

// Room is what the ready servers have free, and what the instances of one
// namespace hold of them.
type Room struct {
	Servers []Server
	Held    []Held
}

// Held is what one instance holds of a server until it has ended.
type Held struct {
	Job, Group, Server string
	// MB is the memory that it reserves, or uses when that is more: what it reserves
	// is no limit, and a server that is full kills what runs there.
	MB, MHz int64
	// Ending says that it was told to stop.
	Ending bool
}

// statsAtOnce is how many instances are asked at a time for what they use, and
// statsTime how long all of them may take to tell.
const (
	statsAtOnce = 8
	statsTime   = 2 * time.Second
)

// Room tells what the servers have free, beside what the instances of a namespace
// use beyond what they reserve. One that does not tell uses what it reserves.
func (c *Client) Room(ctx context.Context, namespace string) (Room, error) {
	servers, all, err := c.reserved(ctx)
	if err != nil {
		return Room{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statsTime)
	defer cancel()
	ours := slices.DeleteFunc(all, func(a *api.AllocationListStub) bool { return a.Namespace != namespace || ended(a) })
	out := Room{Servers: servers, Held: make([]Held, len(ours))}
	var group errgroup.Group
	group.SetLimit(statsAtOnce)
	for i, a := range ours {
		group.Go(func() error {
			mb, mhz := reservedBy(a)
			out.Held[i] = Held{a.JobID, a.TaskGroup, a.NodeID, max(mb, c.used(ctx, a)), mhz, a.DesiredStatus != api.AllocDesiredStatusRun}
			return nil
		})
	}
	_ = group.Wait()
	for i, a := range ours {
		mb, _ := reservedBy(a)
		out.overdraw(a.NodeID, out.Held[i].MB-mb)
	}
	return out, nil
}

// overdraw takes from a server what an instance uses beyond what it reserves.
func (r *Room) overdraw(node string, mb int64) {
	for i := range r.Servers {
		if r.Servers[i].ID == node {
			r.Servers[i].FreeMB -= mb
		}
	}
}

// used is the memory of an instance that nothing but its end gives back, in MB; 0
// when its server does not tell.
func (c *Client) used(ctx context.Context, a *api.AllocationListStub) int64 {
	if a.ClientStatus != api.AllocClientStatusRunning {
		return 0
	}
	stats, err := c.api.Allocations().Stats(&api.Allocation{ID: a.ID}, read(ctx, a.Namespace))
	if err != nil || stats.ResourceUsage == nil || stats.ResourceUsage.MemoryStats == nil {
		return 0
	}
	return int64(stats.ResourceUsage.MemoryStats.RSS >> 20)
}
