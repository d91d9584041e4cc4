// Package load keeps a web app busy as its users do while something is done to
// it, and tells each request that failed.
//
// A request has failed when its connection broke, its status is not 200, or its
// body is not the whole right one. What a browser does by itself is no failure,
// and counted: a GET goes out again when the kept connection it was sent on has
// ended, and a WebSocket that was closed with 1012 (service restart) is opened
// anew. A POST has no such safety and gets none here.
//
// The pace is fixed, so that a slow app is not spared and a fast one does not
// take the whole machine from what is watched. A worker has one request under way
// at a time: turns that a slow answer runs over are left out.
package load

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// timeout is when a request without an end has failed.
const timeout = 30 * time.Second

// Target is a web app.
type Target struct {
	// URL is where it answers, without a path.
	URL string
	// Transport connects to it. It is cloned: each worker has connections of its own.
	Transport *http.Transport
}

// Kind is a sort of request.
type Kind struct {
	name    string
	workers int
	// pace is the time from the start of a request to the start of the same worker's next.
	pace time.Duration
	open func(Target) user
}

// user makes requests of one kind, one after the other.
type user interface {
	request(ctx context.Context) (answer, error)
	close()
}

// answer is what is known of a request beside whether it failed.
type answer struct {
	release string
	// again says that a client's own means were needed: a second connection.
	again bool
}

// Load is requests under way.
type Load struct {
	began time.Time
	once  sync.Once
	end   chan struct{}
	done  sync.WaitGroup

	mu     sync.Mutex
	report Report
}

// Start begins requests of the kinds. It is over when ctx ends or with Stop.
func Start(ctx context.Context, target Target, kinds ...Kind) *Load {
	l := &Load{began: time.Now(), end: make(chan struct{})}
	l.report.Releases = map[string]int{}
	for i, kind := range kinds {
		l.report.Kinds = append(l.report.Kinds, Count{Kind: kind.name})
		for w := range kind.workers {
			first := kind.pace * time.Duration(w) / time.Duration(kind.workers)
			u := kind.open(target) // cloning a transport is not for several at once
			l.done.Go(func() { l.work(ctx, i, u, kind.pace, first) })
		}
	}
	return l
}

// Stop lets the requests under way end and returns what became of all. It may be
// called again.
func (l *Load) Stop() Report {
	l.once.Do(func() { close(l.end) })
	l.done.Wait()
	return l.Now()
}

// Now is the report as far as it is.
func (l *Load) Now() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report.clone()
}

// work is one worker, whose first request is due after a while, so that the
// workers take turns.
func (l *Load) work(ctx context.Context, index int, u user, pace, first time.Duration) {
	defer u.close()
	turn := time.NewTimer(first)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.end:
			return
		case <-turn.C:
		}
		if l.stopped() {
			return // the turn was due at the same time
		}
		began := time.Now()
		l.one(ctx, index, u)
		turn.Reset(max(0, pace-time.Since(began)))
	}
}

func (l *Load) stopped() bool {
	select {
	case <-l.end:
		return true
	default:
		return false
	}
}

func (l *Load) one(ctx context.Context, index int, u user) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	got, err := u.request(limited)
	if ctx.Err() != nil {
		return // broken off by us
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.add(index, got, err, began.Sub(l.began), time.Since(l.began))
}
