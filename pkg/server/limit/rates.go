// Package limit holds callers to what they may do: how often, how much at a time, and
// one after the other.
package limit

import (
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"fngen.dev/fngen/pkg/api"
)

// TooMany refuses what may be asked for again in a moment.
func TooMany(detail string) *api.Problem {
	p := api.NewProblem(api.Busy, "%s", detail).WithHelp("wait a little and try again")
	p.Status = http.StatusTooManyRequests
	return p
}

// maxRates bounds the memory that strangers can make the server use.
const maxRates = 10_000

// Rates are token buckets, one for each caller.
type Rates[K comparable] struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	m  map[K]*rate.Limiter
}

// NewRates allows each caller so many requests a second, and so many at once.
func NewRates[K comparable](perSecond float64, burst int) *Rates[K] {
	return &Rates[K]{rate: rate.Limit(perSecond), burst: burst, m: map[K]*rate.Limiter{}}
}

// Allow takes a token of the caller's bucket.
func (l *Rates[K]) Allow(caller K) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.m[caller]
	if !ok {
		if len(l.m) >= maxRates {
			l.forget()
		}
		b = rate.NewLimiter(l.rate, l.burst)
		l.m[caller] = b
	}
	return b.Allow()
}

// forget drops the buckets that are full again, which say nothing; when there
// are none, all.
func (l *Rates[K]) forget() {
	for k, b := range l.m {
		if b.Tokens() >= float64(l.burst) {
			delete(l.m, k)
		}
	}
	if len(l.m) >= maxRates {
		clear(l.m)
	}
}
