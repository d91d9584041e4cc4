//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/process"
)

// startTimeout is how long a server may take until it is healthy.
const startTimeout = 3 * time.Minute

// stopGrace is how long a server may take to stop by itself.
const stopGrace = 20 * time.Second

// check reports whether a server can be used; it is asked again until it can.
type check func(context.Context) error

// ensure makes the server run as the spec says, and waits until it is healthy.
func (c *cluster) ensure(ctx context.Context, s process.Spec, healthy check) error {
	start := time.Now()
	word := "runs"
	r, alive := process.Load(c.Run(), s.Name)
	if alive && !process.Current(c.Run(), s) {
		c.out.line("%-24s restarts with a new configuration", s.Name)
		if err := process.Stop(c.Run(), r, stopGrace); err != nil {
			return err
		}
		alive = false
	}
	if !alive {
		var err error
		if r, err = process.Start(c.Run(), s); err != nil {
			return err
		}
		word = "ready"
	}
	if err := waitFor(ctx, r, s, healthy); err != nil {
		return err
	}
	c.out.line("%-24s %-5s %5.1fs", s.Name, word, time.Since(start).Seconds())
	return nil
}

// waitFor polls until the server is healthy, has died, or takes too long.
func waitFor(ctx context.Context, r process.Record, s process.Spec, healthy check) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			return healthy(ctx)
		}()
		if err == nil {
			return nil
		}
		if errors.Is(err, bootstrap.ErrKeyLost) {
			return err
		}
		if !r.Alive() {
			return fmt.Errorf("%s ended while it started; the end of %s:\n%s", s.Name, s.Log, process.Tail(s.Log, 20))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not healthy after %s: %w; the end of %s:\n%s",
				s.Name, startTimeout, err, s.Log, process.Tail(s.Log, 20))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func httpOK(url string) check {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		return answersOK(req)
	}
}

func answersOK(req *http.Request) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s answers %s", req.URL.Path, res.Status)
	}
	return nil
}

// findProgram looks on PATH and at the usual place.
func findProgram(name, usual string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if _, err := os.Stat(usual); err == nil {
		return usual, nil
	}
	return "", fmt.Errorf("%s is not installed", name)
}
