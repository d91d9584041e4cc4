package e2etest

import (
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// Main runs the tests of a package, of which it has more tests begin than there are. Beside says how many go on: one that
// has its servers, and begins a subtest, must not wait for those that wait for servers.
func Main(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "1000"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Beside has a test run beside others, as soon as the servers of all sizes that it
// needs are free, until it is over.
func Beside(t *testing.T, sizes ...string) {
	t.Helper()
	t.Parallel()
	servers.take(sizes)
	hangs := time.AfterFunc(longest, func() { panic(t.Name() + " has held its servers for " + longest.String()) })
	t.Cleanup(func() {
		hangs.Stop()
		servers.free(sizes)
	})
}

// longest is far more than any test takes. One that hangs is named, with where it
// does, and does not have all others wait for the end of time.
const longest = 15 * time.Minute

// servers are those of the cluster, by their size. Of size s there are two in us-west,
// which have room for one more instance than most tests need: the spare. Those of
// us-east are "east s" (two of them), "east m" and "east xl".
var servers = reservations{taken: map[string]bool{}, freed: sync.NewCond(new(sync.Mutex))}

// atOnce is how many tests run beside each other: more take longer in all on two
// processors, and instances that start slowly look like those that never will.
const atOnce = 3

type reservations struct {
	taken   map[string]bool
	holders int
	freed   *sync.Cond
}

// take waits until it may run and all sizes are free at once: who waits holds nothing.
func (r *reservations) take(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	for r.holders == atOnce || slices.ContainsFunc(sizes, func(size string) bool { return r.taken[size] }) {
		r.freed.Wait()
	}
	r.holders++
	for _, size := range sizes {
		r.taken[size] = true
	}
}

func (r *reservations) free(sizes []string) {
	r.freed.L.Lock()
	defer r.freed.L.Unlock()
	r.holders--
	for _, size := range sizes {
		delete(r.taken, size)
	}
	r.freed.Broadcast()
}
