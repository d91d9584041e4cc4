package dev

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
)

// origin is what an instance was started from.
type origin struct {
	// files are those of the tree, with their digests.
	files map[string]string
	// setting is what the instance runs in: interpreter, runtime and variables.
	setting string
}

// changes are the files that differ.
func (o origin) changes(to origin) []string {
	var out []string
	for file, digest := range to.files {
		if o.files[file] != digest {
			out = append(out, file)
		}
	}
	for file := range o.files {
		if _, there := to.files[file]; !there {
			out = append(out, file)
		}
	}
	return out
}

// stale are the functions to be started anew: those that do not run, and those that a
// change since their start may matter to. Only Python itself knows which modules a
// function has imported, so its processes are asked. A file that nobody has imported
// may be read by anybody.
func (r *runner) stale(ctx context.Context, now origin, functions []ir.Function) []ir.Function {
	var out, asked []ir.Function
	for _, f := range functions {
		switch running := r.instances(f); {
		case len(running) == 0 || running[0].origin.setting != now.setting:
			out = append(out, f)
		case len(running[0].origin.changes(now)) > 0:
			asked = append(asked, f)
		}
	}
	if len(asked) == 0 {
		return out
	}
	imported := r.imported(ctx, functions)
	stale := map[string]bool{}
	for _, f := range out {
		stale[f.Name] = true
	}
	for _, f := range asked {
		for _, file := range r.instances(f)[0].origin.changes(now) {
			stale[f.Name] = stale[f.Name] || matters(file, f.Name, imported)
		}
	}
	out = nil
	for _, f := range functions { // in their order
		if stale[f.Name] {
			out = append(out, f)
			continue
		}
		for _, in := range r.instances(f) { // what it has not imported it may read later
			in.origin = now
		}
	}
	return out
}

// matters reports whether a change of a file may matter to a function.
func matters(file, function string, imported map[string]map[string]bool) bool {
	own, answered := imported[function]
	if !answered || own[file] || !strings.HasSuffix(file, ".py") {
		return true
	}
	for _, others := range imported {
		if others[file] {
			return false
		}
	}
	return true
}

// instances are the processes that run a function at present, by one code.
func (r *runner) instances(f ir.Function) []*instance {
	var out []*instance
	if f.WebApp == nil {
		for _, p := range r.tasks.Processes(f.Name) {
			out = append(out, p.(*instance)) // worker starts no others
		}
		return out
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if in := r.running[f.Name]; in != nil {
		select {
		case <-in.done:
		default:
			out = append(out, in)
		}
	}
	return out
}

// imported asks all processes of functions which files of the tree they have imported. A
// function is missing where one does not answer.
func (r *runner) imported(ctx context.Context, functions []ir.Function) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, f := range functions {
		group.Go(func() {
			files := map[string]bool{}
			for _, in := range r.instances(f) {
				some, ok := in.imported(ctx, r.dir)
				if !ok {
					return
				}
				for _, file := range some {
					files[r.below(file)] = true
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out[f.Name] = files
		})
	}
	group.Wait()
	return out
}

// below is a path of this machine as the tree has it.
func (r *runner) below(file string) string {
	roots := []string{r.Root}
	if real, err := filepath.EvalSymlinks(r.Root); err == nil {
		roots = append(roots, real)
	}
	for _, root := range roots {
		if rel, err := filepath.Rel(root, file); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return file
}

// answerTime is how long a process may take to say what it has imported, which takes
// milliseconds where the machine is not busy; one that does not say it is started anew,
// which is right in any case.
const answerTime = 2 * time.Second

// imported are the files of the modules that the process has imported, as it says itself.
func (in *instance) imported(ctx context.Context, dir string) ([]string, bool) {
	answer := filepath.Join(dir, fmt.Sprintf("imported-%d", in.process.Process.Pid))
	_ = os.Remove(answer) // of an earlier process with this number
	if _, err := fmt.Fprintln(in.hold, answer); err != nil {
		return nil, false
	}
	defer os.Remove(answer)
	late := time.NewTimer(answerTime)
	defer late.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if data, err := os.ReadFile(answer); err == nil {
			return strings.Split(string(data), "\n"), true
		}
		select {
		case <-in.done:
			return nil, false
		case <-ctx.Done():
			return nil, false
		case <-late.C:
			return nil, false
		case <-tick.C:
		}
	}
}
