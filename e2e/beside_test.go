package e2e

import (
	"slices"
	"sync"
	"testing"
)

// beside has a test run beside others, as soon as the servers of all sizes that it
// needs are free, until it is over.
func beside(t *testing.T, sizes ...string) {
	t.Helper()
	t.Parallel()
	servers.take(sizes)
	t.Cleanup(func() { servers.free(sizes) })
}

// servers are those of the cluster, by their size. There are two of size s, which
// have room for one more instance than most tests need: the spare.
var servers = reservations{taken: map[string]bool{}, freed: sync.NewCond(new(sync.Mutex))}

type reservations struct {
	taken map[string]bool
	freed *sync.Cond
}

// take waits until all sizes are free at once: who waits holds nothing.
func (r *reservations) take(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	for slices.ContainsFunc(sizes, func(size string) bool { return r.taken[size] }) {
		r.freed.Wait()
	}
	for _, size := range sizes {
		r.taken[size] = true
	}
}

func (r *reservations) free(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	for _, size := range sizes {
		delete(r.taken, size)
	}
	r.freed.Broadcast()
}
