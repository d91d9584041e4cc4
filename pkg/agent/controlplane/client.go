package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/api"
)

const (
	// patience is how long the agent goes on asking a control plane that does not
	// answer: a restart of it takes seconds.
	patience   = 5 * time.Minute
	firstPause = 500 * time.Millisecond
	longPause  = 10 * time.Second
	// stall ends a transfer that no longer moves.
	stall = 30 * time.Second
)

// errFinal marks an error that asking again cannot cure.
var errFinal = errors.New("final")

// final returns err marked as final.
func final(err error) error { return &finalError{err} }

type finalError struct{ err error }

func (e *finalError) Error() string        { return e.err.Error() }
func (e *finalError) Unwrap() error        { return e.err }
func (e *finalError) Is(target error) bool { return target == errFinal }

// Client asks the control plane, as the allocation that it runs in.
type Client struct {
	api      string
	identity string
	HTTP     *http.Client
	Patience time.Duration
	log      console.Logger
}

func New(api, identity string, transport http.RoundTripper, log console.Logger) *Client {
	return &Client{api: api, identity: identity, Patience: patience, log: log, HTTP: &http.Client{
		Transport: transport,
		// The token is for the control plane, not for where it may point.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// LayerPath is where the control plane keeps what a job has made.
func LayerPath(key string) string { return "/v1/agent/layers/" + key }

// Get hands the header and the body of path to use, again from its beginning when
// a transfer breaks off.
func (c *Client) Get(ctx context.Context, path string, use func(http.Header, io.Reader) error) error {
	return c.retry(ctx, "fetch "+path, func(ctx context.Context) error {
		return c.Do(ctx, http.MethodGet, path, nil, use)
	})
}

// Has says whether path exists.
func (c *Client) Has(ctx context.Context, path string) (bool, error) {
	found := true
	err := c.retry(ctx, "ask for "+path, func(ctx context.Context) error {
		err := c.Do(ctx, http.MethodHead, path, nil, nil)
		if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotFound {
			found = false
			return nil
		}
		return err
	})
	return found, err
}

// Put stores what write writes at path, calling it again for each attempt. header
// says more of it.
func (c *Client) Put(ctx context.Context, path string, header http.Header, write func(io.Writer) error) error {
	return c.retry(ctx, "store "+path, func(ctx context.Context) error {
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			err := write(w)
			w.CloseWithError(err)
			done <- err
		}()
		err := c.send(ctx, http.MethodPut, path, header, r, nil)
		r.CloseWithError(io.ErrClosedPipe)
		if packed := <-done; packed != nil && !errors.Is(packed, io.ErrClosedPipe) {
			return final(packed)
		}
		return err
	})
}

// retry calls try until it succeeds, fails for good, or patience is at its end.
func (c *Client) retry(ctx context.Context, what string, try func(context.Context) error) error {
	deadline := time.Now().Add(c.Patience)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errFinal) {
			return fmt.Errorf("%s: %w", what, err)
		}
		wait := pause + rand.N(pause/4)
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("%s: no success in %s: %w", what, c.Patience, err)
		}
		c.log.Say("%s: %v; trying again in %s", what, err, wait.Round(100*time.Millisecond))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
}

func (c *Client) Do(ctx context.Context, method, path string, body io.Reader, use func(http.Header, io.Reader) error) error {
	return c.send(ctx, method, path, nil, body, use)
}

func (c *Client) send(ctx context.Context, method, path string, header http.Header, body io.Reader, use func(http.Header, io.Reader) error) error {
	// The token is renewed in its file, so each attempt reads it anew.
	token, err := os.ReadFile(c.identity)
	if err != nil {
		return final(fmt.Errorf("read workload identity: %w", err))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatch(func() { cancel(fmt.Errorf("no byte moved for %s", stall)) })
	defer watch.Stop()
	if body != nil {
		body = &watched{r: body, watch: watch}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, body)
	if err != nil {
		return final(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if body != nil {
		req.Header.Set("Content-Type", "application/zstd")
		// A refusal is heard before the layer is sent.
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp)
	}
	if use == nil {
		return nil
	}
	in := &watched{r: resp.Body, watch: watch}
	if err := use(resp.Header, in); err != nil {
		if in.err == nil {
			return final(err) // the bytes came; they are wrong, or cannot be stored
		}
		return causeOf(ctx, err)
	}
	return nil
}

// causeOf prefers the reason why a request was ended over its effect.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// refusal turns an answer into an error. Only the control plane itself speaks
// problem+json: while it is away, the router in front of it answers 404 too, and
// that is no reason to give up.
func refusal(resp *http.Response) error {
	answered := fmt.Errorf("the control plane's router answered %s", resp.Status)
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		return answered
	}
	p := &api.Problem{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(p); err != nil {
		p = &api.Problem{Detail: resp.Status} // a HEAD has no body
	}
	p.Status = resp.StatusCode
	switch {
	case p.Status >= 500, p.Status == http.StatusTooManyRequests, p.Status == http.StatusLocked, p.Status == http.StatusRequestTimeout:
		return fmt.Errorf("the control plane answered %d: %w", p.Status, p)
	}
	return final(fmt.Errorf("the control plane answered %d: %w", p.Status, p))
}

// watch ends a transfer that stalls.
type watch struct{ *time.Timer }

func newWatch(end func()) watch { return watch{time.AfterFunc(stall, end)} }

// watched reports progress to a watch, and keeps the error that ended reading.
type watched struct {
	r     io.Reader
	watch watch
	err   error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.watch.Reset(stall)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
