package server

import (
	"sync"

	"golang.org/x/time/rate"
)

// A key may make far more requests than a person or a CI run makes; an address
// may fail to authenticate a little faster than a person mistypes.
const (
	keyRate      = 50
	keyBurst     = 200
	failureRate  = 1
	failureBurst = 30
)

// maxLimiters bounds the memory that strangers can make the server use.
const maxLimiters = 10_000

// limiters are token buckets, one for each caller.
type limiters[K comparable] struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	m  map[K]*rate.Limiter
}

func newLimiters[K comparable](perSecond float64, burst int) *limiters[K] {
	return &limiters[K]{rate: rate.Limit(perSecond), burst: burst, m: map[K]*rate.Limiter{}}
}

// allow takes a token of the caller's bucket.
func (l *limiters[K]) allow(caller K) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.m[caller]
	if !ok {
		if len(l.m) >= maxLimiters {
			l.forget()
		}
		b = rate.NewLimiter(l.rate, l.burst)
		l.m[caller] = b
	}
	return b.Allow()
}

// forget drops the buckets that are full again, which say nothing; when there
// are none, all.
func (l *limiters[K]) forget() {
	for k, b := range l.m {
		if b.Tokens() >= float64(l.burst) {
			delete(l.m, k)
		}
	}
	if len(l.m) >= maxLimiters {
		clear(l.m)
	}
}
