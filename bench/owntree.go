package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// ownTreeResult is a line of `go test -bench`: there is no process that does
// nothing but this.
var ownTreeResult = regexp.MustCompile(`(?m)^BenchmarkOwnTree/(\S+?)(?:-\d+)?\s+\d+\s+(\d+) ns/op`)

// ownTree measures what each start pays for a copy of the tree of its own. It
// gives files away, so it needs root.
func ownTree(ctx context.Context) ([]figure, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "./pkg/agent", "-run=^$", "-bench=^BenchmarkOwnTree$", "-benchtime="+strconv.Itoa(turns)+"x").CombinedOutput()
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
