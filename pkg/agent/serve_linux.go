package agent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
)

// searchPath is where programs of the node are.
const searchPath = "/usr/local/bin:/usr/bin:/bin"

// serve runs one function until it ends, and returns its exit code.
func serve(ctx context.Context, o *serveOptions, env environ, signals <-chan os.Signal, log logger) int {
	c, locks, err := readyToServe(ctx, o, env, log)
	for _, lock := range locks {
		defer lock.Close() // held as long as the function runs
	}
	if code, stopped := stoppedBy(ctx, signals); stopped {
		log.say("stopped before %s was started", o.function)
		return code
	}
	if err != nil {
		log.say("start %s: %v", o.function, err)
		return exitFailed
	}
	debug.FreeOSMemory()
	status, err := runDropped(c, o.uid, signals)
	if err != nil {
		log.say("run %s: %v", o.function, err)
		return exitFailed
	}
	log.say("%s %s", o.function, ending(status))
	return exitCode(status)
}

// readyToServe brings everything into place that needs root.
func readyToServe(ctx context.Context, o *serveOptions, env environ, log logger) (c command, locks []*os.File, err error) {
	cache, client, err := prepare(&o.target, log)
	if err != nil {
		return c, nil, err
	}
	defer client.http.CloseIdleConnections()
	f := &fetcher{cache, client, log}
	tree, lock, err := f.tree(ctx, &o.target)
	if err != nil {
		return c, nil, err
	}
	locks, layer := append(locks, lock), ""
	if o.layer != "" {
		if layer, lock, err = f.layer(ctx, &o.target); err != nil {
			return c, locks, err
		}
		locks = append(locks, lock)
	}
	if err := cache.own(o.home, o.uid, cache.gid, 0o750); err != nil {
		return c, locks, fmt.Errorf("make home: %w", err)
	}
	c = o.command(tree, layer, env)
	for _, path := range []string{c.path, c.args[len(c.args)-1]} {
		if _, err := os.Stat(path); err != nil {
			return c, locks, fmt.Errorf("this node lacks a part of Python %s: %w", o.python, err)
		}
	}
	return c, locks, nil
}

// runDropped gives root up and runs c.
func runDropped(c command, uid int, signals <-chan os.Signal) (syscall.WaitStatus, error) {
	if err := drop(uid, uid); err != nil {
		return 0, fmt.Errorf("give up root: %w", err)
	}
	return run(c, signals)
}

// stoppedBy says whether a stop signal came, and which exit code it gives.
func stoppedBy(ctx context.Context, signals <-chan os.Signal) (int, bool) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return 0, false
	}
	for {
		select {
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok && s != syscall.SIGCHLD {
				return exitSignal + int(s), true
			}
		default:
			return exitSignal + int(syscall.SIGTERM), true // another read it
		}
	}
}

// command is the Python process of the function.
func (o *serveOptions) command(tree, layer string, env environ) command {
	runtime := filepath.Join(o.node, "runtime", o.python)
	python, search := "/usr/bin/python"+o.python, searchPath
	e := env.withoutCredentials()
	if layer != "" {
		python, search = filepath.Join(layer, "bin", "python"), filepath.Join(layer, "bin")+":"+searchPath
		e = e.with("VIRTUAL_ENV", layer)
	}
	for _, v := range [][2]string{
		{"FNGEN_PROJECT", o.project},
		{"FNGEN_FUNCTION", o.function},
		{"FNGEN_POWER", o.power},
		{"FNGEN_RELEASE", o.release},
		{"FNGEN_SERVER", o.server},
		{"FNGEN_FILE", o.file},
		{"FNGEN_HOST", o.host},
		{"FNGEN_PORT", o.port},
		{"FNGEN_RUNTIME", runtime},
		{"FNGEN_HEALTH", o.health},
		{"FNGEN_DRAIN_SECONDS", strconv.Itoa(int(math.Ceil(o.drain.Seconds())))},
		{"HOME", o.home},
		{"TMPDIR", "/tmp"},
		{"PATH", search},
		{"PYTHONUNBUFFERED", "1"},
		// The user has no entry in the node's passwd, where getpass looks else.
		{"USER", o.project},
		{"LOGNAME", o.project},
	} {
		e = e.with(v[0], v[1])
	}
	return command{
		path: python,
		args: []string{"-u", filepath.Join(runtime, "fngen", "runtime", "boot.py")},
		dir:  tree,
		env:  e.withDefault("LANG", "C.UTF-8"),
	}
}
