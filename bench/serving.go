package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fngen.dev/fngen/bench/hammer"
)

const (
	// servingRounds is how often each contender is measured, turn by turn.
	servingRounds = 5
	// servingTurn is how long it is asked each time.
	servingTurn = 2 * time.Second
)

// match is an application, and the servers that serve it at the same time.
type match struct {
	app       string
	processes int
	peers     []contender
}

var matches = []match{
	{"flask", 1, ofWSGI},
	{"django", 1, ofWSGI},
	{"fastapi", 1, ofASGI},
	{"flask", 2, []contender{ofWSGI[0], ofWSGI[1], ofWSGI[3]}},
	{"django", 4, []contender{ofWSGI[0], ofWSGI[1]}},
	{"fastapi", 2, ofASGI},
}

// sample is one turn of a contender.
type sample struct {
	perSecond float64
	// p99 is the latency that one request in a hundred exceeds, processor the time of it
	// that a request takes.
	p99, processor time.Duration
	memory         int64
}

// serving measures the runtime beside other servers of Python, all with the same
// application, on the same machine in turns, straight at their ports.
func serving(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "fngen-bench-serving-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	k, err := servingKit(ctx, dir)
	if err != nil {
		return nil, err
	}
	var table []figure
	for _, m := range matches {
		figures, err := k.play(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("%s, %d processes: %w", m.app, m.processes, err)
		}
		table = append(table, figures...)
	}
	return table, nil
}

// play measures all contenders of a match.
func (k *kit) play(ctx context.Context, m match) ([]figure, error) {
	app, err := filepath.Abs(filepath.Join("bench", "serving", m.app))
	if err != nil {
		return nil, err
	}
	var all []*running
	for _, c := range append([]contender{ours}, m.peers...) {
		r, err := k.start(ctx, c, app, m.processes)
		if err != nil {
			return nil, err
		}
		defer r.stop()
		all = append(all, r)
	}
	for range servingRounds {
		for _, r := range all {
			if err := r.measure(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	return compared(m, all), nil
}

func (r *running) measure(ctx context.Context) error {
	before, err := processorTime(r.cmd.Process.Pid)
	if err != nil {
		return err
	}
	h, err := hammer.Ask(ctx, r.address, servingTurn)
	if err != nil {
		return err
	}
	after, err := processorTime(r.cmd.Process.Pid)
	if err != nil {
		return err
	}
	memory, err := sharedMemory(r.cmd.Process.Pid)
	r.seen = append(r.seen, sample{h.PerSecond(), h.Quantile(0.99), (after - before) / time.Duration(h.Requests), memory})
	return err
}

// middle is the median of one figure over all turns.
func middle[T float64 | time.Duration | int64](r *running, of func(sample) T) T {
	list := make([]T, len(r.seen))
	for i, s := range r.seen {
		list[i] = of(s)
	}
	return median(list)
}

func (r *running) perSecond() float64 {
	return middle(r, func(s sample) float64 { return s.perSecond })
}

func (r *running) processor() time.Duration {
	return middle(r, func(s sample) time.Duration { return s.processor })
}

func (r *running) String() string {
	return fmt.Sprintf("%.0f requests/s, p99 %.1f ms, %d µs, %d MB", r.perSecond(),
		middle(r, func(s sample) time.Duration { return s.p99 }).Seconds()*1000,
		r.processor().Microseconds(), middle(r, func(s sample) int64 { return s.memory })>>20)
}

// compared makes a row for each peer: requests a second, p99, processor time of a
// request and memory.
func compared(m match, all []*running) []figure {
	var table []figure
	mine := all[0]
	for _, r := range all[1:] {
		table = append(table, figure{
			fmt.Sprintf("%s, processes: %d", m.app, m.processes), mine.String(), r.String() + " (" + r.name + ")",
			fmt.Sprintf("%.2f (processor time %.2f)", mine.perSecond()/r.perSecond(), mine.processor().Seconds()/r.processor().Seconds()),
			r.goal,
		})
	}
	return table
}
