package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

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

// resident is the largest VmRSS, in MB, of the processes of that name, and peakOf
// the most that one of them ever had.
func resident(name string) (int, error) { return memoryOf(name, "VmRSS:") }
func peakOf(name string) (int, error)   { return memoryOf(name, "VmHWM:") }

func memoryOf(name, field string) (int, error) {
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
			if value, ok := strings.CutPrefix(line, field); ok {
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

// ownTreeResult is a line of `go test -bench`: there is no process that does
// nothing but this.
var ownTreeResult = regexp.MustCompile(`(?m)^BenchmarkOwnTree/(\S+?)(?:-\d+)?\s+\d+\s+(\d+) ns/op`)

// ownTree measures what each start pays for a copy of the tree of its own. It
// gives files away, so it needs root.
func ownTree(ctx context.Context) ([]figure, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "./pkg/agent/program", "-run=^$", "-bench=^BenchmarkOwnTree$", "-benchtime="+strconv.Itoa(turns)+"x").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	took := map[string]time.Duration{}
	for _, m := range ownTreeResult.FindAllSubmatch(out, -1) {
		ns, err := strconv.ParseInt(string(m[2]), 10, 64)
		if err != nil {
			return nil, err
		}
		took[string(m[1])] = time.Duration(ns)
	}
	cp := took["cp"]
	if cp == 0 {
		return nil, fmt.Errorf("no figures, which need root:\n%s", out)
	}
	var figures []figure
	for _, f := range []struct{ key, name, goal string }{
		{"overlay", "an instance's own copy of 2,000 files, 40 MB", "<= 50 ms"},
		{"overlay-and-1GB", "the same and a file of 1 GB", "<= 50 ms"},
		{"copy", "the same 2,000 files where a node has no overlay", ""},
	} {
		if d, ok := took[f.key]; ok {
			figures = append(figures, figure{
				f.name, milliseconds(d), milliseconds(cp) + " (`cp -a --reflink=auto` of the 2,000)", fmt.Sprintf("%.2f", float64(d)/float64(cp)), f.goal,
			})
		}
	}
	return figures, nil
}
