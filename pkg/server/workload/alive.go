package workload

import (
	"context"
	"sync"
	"time"
)

const (
	// aliveAge is how long an answer about an allocation holds: an agent that starts
	// asks a few times in a row.
	aliveAge = 5 * time.Second
	// aliveTime is how long Nomad may take to answer. An agent waits for it.
	aliveTime = 3 * time.Second
	maxHeard  = 10_000
)

// Allocations knows which of them run. *nomad.Client does.
type Allocations interface {
	Alive(ctx context.Context, namespace, job, id string) (bool, error)
}

// alive asks about allocations, and remembers what it heard for a moment.
type alive struct {
	allocations Allocations
	now         func() time.Time

	mu    sync.Mutex
	heard map[string]heard // by the allocation's id
}

type heard struct {
	at    time.Time
	alive bool
}

func newAlive(allocations Allocations) *alive {
	return &alive{allocations: allocations, now: time.Now, heard: map[string]heard{}}
}

// ask reports whether the allocation of a workload runs. While Nomad does not answer
// that is not known.
func (a *alive) ask(ctx context.Context, w Identity) (alive, known bool, err error) {
	a.mu.Lock()
	last, ok := a.heard[w.Allocation]
	a.mu.Unlock()
	if ok && a.now().Sub(last.at) < aliveAge {
		return last.alive, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	alive, err = a.allocations.Alive(ctx, w.Namespace, w.JobID, w.Allocation)
	if err != nil {
		return false, false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heard) >= maxHeard {
		clear(a.heard)
	}
	a.heard[w.Allocation] = heard{a.now(), alive}
	return alive, true, nil
}
