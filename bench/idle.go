package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// noChange measures a push of what is live already, beside the start of the CLI
// and one request, which no push can do without.
func (b *bench) noChange(ctx context.Context) ([]figure, error) {
	var ours, floor []time.Duration
	for range turns {
		begin := time.Now()
		if err := b.push(ctx); err != nil {
			return nil, err
		}
		ours = append(ours, time.Since(begin))
		begin = time.Now()
		if err := command(ctx, "fngen", "connect"); err != nil {
			return nil, err
		}
		floor = append(floor, time.Since(begin))
	}
	return []figure{{
		"push without a change", seconds(median(ours)), seconds(median(floor)) + " (`fngen connect`: start and one request)",
		fmt.Sprintf("%.2f", float64(median(ours))/float64(median(floor))), "< 1 s",
	}}, nil
}

// makeUp measures `make up` on a cluster that runs.
func (b *bench) makeUp(ctx context.Context) ([]figure, error) {
	// Once before, so that what changed in the checkout is not counted.
	if err := command(ctx, "make", "-s", "up"); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := command(ctx, "make", "-s", "up"); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	begin = time.Now()
	if err := command(ctx, "make", "-s", "build"); err != nil {
		return nil, err
	}
	floor := time.Since(begin)
	return []figure{{
		"`make up` on a running cluster", seconds(took), seconds(floor) + " (`make build`, nothing to do)",
		fmt.Sprintf("%.2f", float64(took)/float64(floor)), "< 10 s",
	}}, nil
}

// memory reads what fngend and the agents hold resident, the largest of each.
func (b *bench) memory(context.Context) ([]figure, error) {
	control, err := resident("fngend")
	if err != nil {
		return nil, err
	}
	agent, err := resident("fngen-agent")
	if err != nil {
		return nil, err
	}
	return []figure{
		{"fngend, resident after the pushes above", fmt.Sprintf("%d MB", control), "", "", "< 80 MB"},
		{"fngen-agent, resident, the largest of those that serve", fmt.Sprintf("%d MB", agent), "", "", "< 20 MB"},
	}, nil
}

// resident is the largest VmRSS, in MB, of the processes of that name.
func resident(name string) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	largest := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if !strings.HasPrefix(string(text), "Name:\t"+name+"\n") {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, err := strconv.Atoi(strings.Fields(value)[0])
				if err != nil {
					return 0, fmt.Errorf("read %s: %w", file, err)
				}
				largest = max(largest, kb/1024)
			}
		}
	}
	if largest == 0 {
		return 0, fmt.Errorf("no process %q runs", name)
	}
	return largest, nil
}
