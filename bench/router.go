package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/bench/hammer"
	"fngen.dev/fngen/e2e/cluster"
	servers "fngen.dev/fngen/nomad/dev/process"
)

// askers is how many ask at the same time.
const askers = 8

// way is how requests reach the application.
type way struct {
	name      string
	url       string
	transport *http.Transport
	seen      []hammer.Seen
	router    []time.Duration
}

// throughRouter measures what the router adds: the same application and the same
// client, straight at the instance's port and through the router, in turns.
func throughRouter(ctx context.Context) (table []figure, err error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.dir)
	for file, text := range map[string]string{
		"fngen.yml": fmt.Sprintf(config, "xl", "us-west"), "requirements.txt": "fastapi\n", "app.py": fmt.Sprintf(source, 1) + power,
	} {
		if err := b.write(file, text); err != nil {
			return nil, err
		}
	}
	if err := command(ctx, "fngen", "create", b.project); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, command(context.WithoutCancel(ctx), "fngen", "destroy", b.project, "--yes"))
	}()
	if err := command(ctx, "fngen", "push", b.project, b.dir); err != nil {
		return nil, err
	}
	ways, err := b.ways(ctx)
	if err != nil {
		return nil, err
	}
	for range servingRounds {
		for _, w := range ways {
			if err := w.measure(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return comparedWays(ways), nil
}

// ways are those straight at the instance, kept and new, then those through the router.
func (b *bench) ways(ctx context.Context) ([]*way, error) {
	routed, err := cluster.Routed(ctx, b.project)
	if err != nil || len(routed) == 0 {
		return nil, fmt.Errorf("the router leads nowhere: %w", err)
	}
	transport := func(keep bool, protocol string) *http.Transport {
		t := b.http.http.Transport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost, t.DisableKeepAlives = askers, !keep
		t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(askers)
		t.TLSClientConfig.NextProtos = nil // those of the one it is a copy of
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(protocol == "HTTP/1.1")
		t.Protocols.SetHTTP2(protocol == "HTTP/2")
		return t
	}
	straight := func(keep bool) *http.Transport {
		t := transport(keep, "HTTP/1.1")
		t.DialContext = new(net.Dialer).DialContext
		return t
	}
	url := cluster.URL(b.project)
	return []*way{
		{name: "kept", url: routed[0], transport: straight(true)},
		{name: "new", url: routed[0], transport: straight(false)},
		{name: "kept connections of HTTP/1.1", url: url, transport: transport(true, "HTTP/1.1")},
		{name: "new connections of HTTP/1.1", url: url, transport: transport(false, "HTTP/1.1")},
		{name: "a kept connection of HTTP/2", url: url, transport: transport(true, "HTTP/2")},
		{name: "new connections of HTTP/2", url: url, transport: transport(false, "HTTP/2")},
	}, nil
}

func (w *way) measure(ctx context.Context) error {
	r, alive := servers.Load(".dev/run", "traefik")
	if !alive {
		return errors.New("the router does not run")
	}
	before, err := processorTime(r.PID)
	if err != nil {
		return err
	}
	h, err := w.ask(ctx)
	if err != nil {
		return err
	}
	after, err := processorTime(r.PID)
	w.seen = append(w.seen, h)
	w.router = append(w.router, (after-before)/time.Duration(h.Requests))
	return err
}

// ask has all askers ask for a turn.
func (w *way) ask(ctx context.Context) (hammer.Seen, error) {
	client := &http.Client{Transport: w.transport, Timeout: 30 * time.Second}
	begin := time.Now()
	var wait sync.WaitGroup
	seen := make([][]time.Duration, askers)
	faults := make([]error, askers)
	for i := range askers {
		wait.Go(func() {
			for time.Since(begin) < servingTurn && faults[i] == nil {
				asked := time.Now()
				faults[i] = askOnce(ctx, client, w.url)
				seen[i] = append(seen[i], time.Since(asked))
			}
		})
	}
	wait.Wait()
	all := slices.Concat(seen...)
	slices.Sort(all)
	return hammer.Seen{Requests: len(all), Took: time.Since(begin), Latencies: all}, errors.Join(faults...)
}

func askOnce(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

func (w *way) typical() time.Duration {
	list := make([]time.Duration, len(w.seen))
	for i, h := range w.seen {
		list[i] = h.Quantile(0.5)
	}
	return median(list)
}

func (w *way) String() string {
	var rates, tails []float64
	for _, h := range w.seen {
		rates, tails = append(rates, h.PerSecond()), append(tails, h.Quantile(0.99).Seconds()*1000)
	}
	return fmt.Sprintf("%.0f requests/s, p50 %.1f ms, p99 %.1f ms", median(rates), w.typical().Seconds()*1000, median(tails))
}

func comparedWays(ways []*way) []figure {
	var table []figure
	for i, w := range ways[2:] {
		straight := ways[i%2]
		table = append(table, figure{
			name:  "through the router over " + w.name + "; its processor time for a request",
			ours:  fmt.Sprintf("%s; %d µs", w, median(w.router).Microseconds()),
			rival: straight.String() + " (straight, " + straight.name + ")",
			ratio: ratio(w.typical(), straight.typical()),
		})
	}
	return table
}
