package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/nomad/dev/layout"
)

// fetchTime bounds all downloads of Pythons together, of 30 MB each.
const fetchTime = 15 * time.Minute

// uvStamp is a file in the home of a Python: the version of uv that chose its patch.
const uvStamp = ".uv-version"

// fetcher installs by uv what the system lacks. uv holds the digest of each archive,
// so that it does not matter who serves them.
type fetcher struct {
	layout.Layout
	uv     string
	report Report
}

// managed is the Python of the kit that uv installed.
func managed(l layout.Layout, minor int) (Python, bool) {
	target, err := os.Readlink(filepath.Join(pythonDir(l), language(minor)))
	if err != nil || filepath.IsAbs(target) {
		return Python{}, false
	}
	p := Python{Minor: minor, Home: filepath.Join(pythonDir(l), target)}
	_, err = os.Stat(p.Path())
	return p, err == nil
}

// fetch returns those of the versions that are there or can be had, and by version
// why the others cannot. A patch is the newest that the pinned uv knows: another uv
// may bring another one.
func (f *fetcher) fetch(ctx context.Context, w Wanted, minors []int) ([]Python, map[string]string, error) {
	known := recall(f.Layout, w)
	var have []Python
	var ask []int
	for _, minor := range minors {
		p, there := managed(f.Layout, minor)
		if there {
			have = append(have, p)
		}
		stamp, _ := os.ReadFile(filepath.Join(p.Home, uvStamp)) // not there: of no version
		if string(stamp) != UVVersion && known.Reasons[language(minor)] == "" {
			ask = append(ask, minor)
		}
	}
	if len(ask) == 0 {
		return have, known.Reasons, nil
	}
	f.report("%-24s asking uv for %s", "pythons", languages(ask))
	fresh, err := f.installAll(ctx, ask, known.Reasons)
	if err != nil {
		return nil, nil, err
	}
	return append(have, fresh...), known.Reasons, known.keep()
}

// installAll installs versions beside each other, and notes why one cannot be had.
func (f *fetcher) installAll(ctx context.Context, minors []int, reasons map[string]string) ([]Python, error) {
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	env, err := f.environ(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.sweep(); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var installed []Python
	var group errgroup.Group
	for _, minor := range minors {
		group.Go(func() error {
			p, err := f.install(limited, env, minor)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				reasons[language(minor)] = err.Error()
				return ctx.Err() // a make that is broken off learns nothing
			}
			installed = append(installed, p)
			return nil
		})
	}
	return installed, group.Wait()
}

// environ is that of any run of uv, with few tries: a machine without a way there
// is to know it soon.
func (f *fetcher) environ(ctx context.Context) ([]string, error) {
	cmd, err := Command(ctx, f.Layout, f.uv)
	if err != nil {
		return nil, err
	}
	env := append(cmd.Env, "UV_PYTHON_DOWNLOADS=manual", "UV_PYTHON_CACHE_DIR="+filepath.Join(f.Cache, "python-archives"))
	for name, value := range map[string]string{"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "5"} {
		if os.Getenv(name) == "" {
			env = append(env, name+"="+value)
		}
	}
	return env, nil
}

// sweep removes what a make that was killed left, and makes the directory.
func (f *fetcher) sweep() error {
	left, err := filepath.Glob(filepath.Join(pythonDir(f.Layout), stagePrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove what an earlier make left: %w", err)
		}
	}
	return os.MkdirAll(pythonDir(f.Layout), 0o755)
}

const stagePrefix = ".stage-"

// install has uv install one version beside its place, and moves it there when it
// is whole and runs.
func (f *fetcher) install(ctx context.Context, env []string, minor int) (Python, error) {
	p := Python{Minor: minor}
	stage, err := os.MkdirTemp(pythonDir(f.Layout), stagePrefix)
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(stage)
	cmd := exec.CommandContext(ctx, f.uv, "python", "install", "--no-bin", "--install-dir", stage, p.Version())
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, errors.New(lastCause(string(out), err))
	}
	staged, err := filepath.Glob(filepath.Join(stage, "cpython-"+p.Version()+".*"))
	if err != nil || len(staged) != 1 {
		return p, fmt.Errorf("uv installed %d Pythons, not one", len(staged))
	}
	p.Home = staged[0]
	name, err := finish(ctx, p)
	if err != nil {
		return p, err
	}
	p.Home = filepath.Join(pythonDir(f.Layout), name)
	if err := f.place(staged[0], p); err != nil {
		return p, err
	}
	f.report("%-24s %s installed by uv", "pythons", name)
	return p, nil
}

// place moves a Python to its place. Only the patch version before it
// is kept, for what runs with that.
func (f *fetcher) place(staged string, p Python) error {
	before, _ := managed(f.Layout, p.Minor)
	if err := os.Rename(staged, p.Home); err != nil && !os.IsExist(err) {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.Home, uvStamp), []byte(UVVersion), 0o644); err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(pythonDir(f.Layout), p.Version()+".*"))
	if err != nil {
		return err
	}
	for _, home := range all {
		if home != p.Home && home != before.Home {
			if err := os.RemoveAll(home); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastCause is the innermost of the causes that uv prints, one a line.
func lastCause(out string, err error) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	for _, prefix := range []string{"cause: ", "error: ", "Caused by: "} {
		last = strings.TrimPrefix(last, prefix)
	}
	if last == "" {
		return err.Error()
	}
	return last
}
