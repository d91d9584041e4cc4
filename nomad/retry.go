package nomad

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// callTime is how long one request may take, its answer read to the end, beside
	// what a blocking query waits for something new.
	callTime = 30 * time.Second
	// patience is for how long after its first failure a request is made again: an
	// election takes a few seconds, a server that is started again some more.
	patience = 20 * time.Second
	// firstPause is the wait before the first repetition; each one after it is twice
	// as long, up to longestPause.
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second
)

// errSlow is why a request was given up that was not answered in time.
var errSlow = errors.New("nomad did not answer in time")

// retrier repeats requests that fail because Nomad has no leader at the moment or
// cannot be reached. Whether such a request had an effect is not known, so all that
// this package sends may be sent twice: a job is registered at an index, and
// submit finds out whether the registration that was in its way is its own.
type retrier struct {
	next http.RoundTripper
	// failed is when a request failed last for want of a leader, in nanoseconds.
	failed atomic.Int64
}

func newRetrier() *retrier {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConnsPerHost = 16
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return &retrier{next: transport}
}

// RoundTrip implements http.RoundTripper.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	var failed time.Time
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		resp, err := r.once(req)
		if err == nil && !passing(resp) && !(r.recently() && forgotten(resp)) || req.Context().Err() != nil {
			return resp, err
		}
		if err != nil || !forgotten(resp) {
			r.failed.Store(time.Now().UnixNano())
		}
		if failed.IsZero() {
			failed = time.Now()
		}
		if time.Since(failed) >= patience || !sleep(req.Context(), pause) {
			return resp, err
		}
		if req, err = rewound(req, resp); err != nil {
			return nil, err
		}
	}
}

// once makes a request one time. What it may take ends with the answer's body.
func (r *retrier) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), callTime+waitOf(req), errSlow)
	resp, err := r.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == errSlow {
			err = errSlow
		}
		cancel()
		return nil, err
	}
	resp.Body = &body{resp.Body, cancel}
	return resp, nil
}

// body ends its request's time when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// waitOf is how long a blocking query may wait for something new. Nomad adds up to
// a sixteenth.
func waitOf(req *http.Request) time.Duration {
	wait, err := time.ParseDuration(req.URL.Query().Get("wait"))
	if err != nil {
		return 0
	}
	return wait + wait/16
}

// rewound is a request that can be made again, after the answer was thrown away.
func rewound(req *http.Request, resp *http.Response) (*http.Request, error) {
	if resp != nil {
		resp.Body.Close()
	}
	if req.GetBody == nil {
		return req, nil
	}
	again := req.Clone(req.Context())
	var err error
	again.Body, err = req.GetBody()
	return again, err
}

// leaderless are parts of what Nomad says, with status 500, when a request reached
// no leader, or one that lost its office before it had written anything for sure.
var leaderless = []string{
	"No cluster leader", "Not ready to serve consistent reads", "leadership lost while committing log", "leadership transfer in progress",
	"node is not the leader", "raft is already shutdown", "timed out enqueuing operation", "No path to region",
	"rpc error: failed to get conn", "rpc error: EOF", "connection reset by peer", "connection refused", "i/o timeout",
}

// recently reports whether Nomad was without a leader a short while ago.
func (r *retrier) recently() bool { return time.Since(time.Unix(0, r.failed.Load())) < patience }

// forgotten reports whether an answer says that the token is not good. A leader that
// was just elected says so for a moment, until it has read its own log: it looks the
// token up before it waits for that (seen with 1.11.1).
func forgotten(resp *http.Response) bool { return resp.StatusCode == http.StatusForbidden }

// shownError is how much of an error's text is looked at.
const shownError = 4 << 10

// passing reports whether an answer says that another one may come in a moment.
func passing(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		text, err := io.ReadAll(io.LimitReader(resp.Body, shownError))
		resp.Body = &joined{io.MultiReader(bytes.NewReader(text), resp.Body), resp.Body}
		return err != nil || slices.ContainsFunc(leaderless, func(part string) bool { return strings.Contains(string(text), part) })
	}
	return false
}

// joined is a body of which a part was read already.
type joined struct {
	io.Reader
	io.Closer
}

// sleep reports whether it was left to sleep to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
