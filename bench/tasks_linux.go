package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tasksBesideRivals has fngen, Celery and Dramatiq run the same durable tasks from the
// same broker, a node of its own, turn by turn. All acknowledge late where they are at
// their best, none keeps results. fngen tells of each task as it does on the platform,
// and what it tells is read.
func tasksBesideRivals(ctx context.Context) (_ []figure, err error) {
	c, err := newContest(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	sides := c.sides()
	rates := map[string][]float64{}
	for range taskTurns {
		raw, err := c.rawDrain(ctx)
		if err != nil {
			return nil, err
		}
		rates["raw"] = append(rates["raw"], raw)
		for _, s := range sides {
			rate, err := c.drain(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("drain by %s: %w", s.name, err)
			}
			rates[s.name] = append(rates[s.name], rate)
		}
	}
	table := drainRows(sides, rates)
	for _, s := range sides {
		if !s.best {
			continue
		}
		late, err := c.latency(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("latency of %s: %w", s.name, err)
		}
		table = append(table, late)
	}
	sends, err := c.sends(ctx)
	return slices.Concat(table, sends), err
}

// taskTurns is how often each side drains its queue.
const taskTurns = 3

// drainRows hold the best of fngen against the best of each rival.
func drainRows(sides []*side, rates map[string][]float64) []figure {
	best := map[string]*side{}
	for _, s := range sides {
		if b, there := best[s.system]; !there || typical(rates[s.name]) > typical(rates[b.name]) {
			best[s.system] = s
		}
	}
	ours := best["fngen"]
	mine := typical(rates[ours.name])
	rows := []figure{drainRow("floor: a Go client that acknowledges each message", mine, ours, rates["raw"], "")}
	for _, s := range sides {
		goal := ""
		if s == best["dramatiq"] {
			goal = ">= 2.5"
		} else if s == best["celery"] {
			goal = ">= 8"
		}
		if s.system != "fngen" || s != ours {
			rows = append(rows, drainRow(s.name, mine, ours, rates[s.name], goal))
		}
	}
	return rows
}

func drainRow(name string, mine float64, ours *side, theirs []float64, goal string) figure {
	return figure{
		"tasks/s, no-ops from a full queue, load " + loadNow(), fmt.Sprintf("%.0f (%s)", mine, ours.name),
		fmt.Sprintf("%.0f, %.0f to %.0f (%s)", typical(theirs), slices.Min(theirs), slices.Max(theirs), name),
		fmt.Sprintf("%.2f", mine/typical(theirs)), goal,
	}
}

func typical(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// loadNow is the load of the machine over the last minute.
func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// drain has a side empty a queue, and is how many tasks it ran in a second, without its
// start: from the tenth part of them on.
func (c *contest) drain(ctx context.Context, s *side) (float64, error) {
	seen, err := newSeen(filepath.Join(c.dir, "seen"), s.count)
	if err != nil {
		return 0, err
	}
	defer seen.close()
	if err := c.fill(ctx, s, seen); err != nil {
		return 0, err
	}
	w, err := c.start(ctx, s, seen)
	if err != nil {
		return 0, err
	}
	defer w.stop()
	if err := seen.wait(ctx, s.count/10, w); err != nil {
		return 0, err
	}
	from, begin := seen.count(), time.Now()
	if err := seen.wait(ctx, s.count, w); err != nil {
		return 0, err
	}
	rate := float64(s.count-from) / time.Since(begin).Seconds()
	w.stop()
	fmt.Fprintf(os.Stderr, "%s: %.0f/s, %d run twice, load %s\n", s.name, rate, seen.twice(), loadNow())
	return rate, c.purge(ctx, s)
}

// latencyRate and latencyCount are the open loop: tasks come on a schedule of their own.
const latencyRate, latencyCount = 200, 2000

// latency is how late tasks begin that come one by one.
func (c *contest) latency(ctx context.Context, s *side) (figure, error) {
	seen, err := newSeen(filepath.Join(c.dir, "seen"), warmUp+latencyCount)
	if err != nil {
		return figure{}, err
	}
	defer seen.close()
	w, err := c.start(ctx, s, seen)
	if err != nil {
		return figure{}, err
	}
	defer w.stop()
	if _, err := c.send(ctx, s, seen, 0, warmUp, latencyRate); err != nil {
		return figure{}, err
	}
	if err := seen.wait(ctx, warmUp, w); err != nil {
		return figure{}, err
	}
	memory, err := treeMemory(w.pid())
	if err != nil {
		return figure{}, err
	}
	if _, err := c.send(ctx, s, seen, warmUp, latencyCount, latencyRate); err != nil {
		return figure{}, err
	}
	if err := seen.wait(ctx, warmUp+latencyCount, w); err != nil {
		return figure{}, err
	}
	late := seen.late(warmUp)
	at := func(part float64) string {
		return fmt.Sprintf("%.2f", float64(late[int(part*float64(len(late)-1))].Microseconds())/1000)
	}
	return figure{
		fmt.Sprintf("%s: ms from sending to begin at %d/s: p50, p90, p99, most; memory (PSS) with two workers; load %s", s.name, latencyRate, loadNow()),
		strings.Join([]string{at(.5), at(.9), at(.99), at(1)}, ", "), "", fmt.Sprintf("%d MB", memory), "p99 <= 3x Celery's p50",
	}, nil
}

// warmUp is how many tasks go before those that are measured.
const warmUp = 200

// sendCount is how many tasks are sent one by one.
const sendCount = 500

// sends is how long it takes to send a task until the broker has confirmed it.
func (c *contest) sends(ctx context.Context) ([]figure, error) {
	took := map[string]time.Duration{}
	for _, s := range c.sides() {
		if _, done := took[s.system]; done || !s.best {
			continue
		}
		seen, err := newSeen(filepath.Join(c.dir, "seen"), sendCount)
		if err != nil {
			return nil, err
		}
		took[s.system], err = c.send(ctx, s, seen, 0, sendCount, 0)
		if err == nil && s.system == "fngen" {
			err = c.runAll(ctx, s, seen)
		}
		seen.close()
		if err := errors.Join(err, c.purge(ctx, s)); err != nil {
			return nil, err
		}
	}
	var rows []figure
	for _, rival := range []string{"celery", "dramatiq"} {
		rows = append(rows, figure{
			"one task sent and confirmed, load " + loadNow(), fmt.Sprintf("%.2f ms", took["fngen"].Seconds()*1000),
			fmt.Sprintf("%.2f ms (%s)", took[rival].Seconds()*1000, rival), ratio(took["fngen"], took[rival]), "",
		})
	}
	return rows, nil
}

// runAll has a worker run what was sent.
func (c *contest) runAll(ctx context.Context, s *side, seen *seen) error {
	w, err := c.start(ctx, s, seen)
	if err != nil {
		return err
	}
	defer w.stop()
	return seen.wait(ctx, seen.size, w)
}
