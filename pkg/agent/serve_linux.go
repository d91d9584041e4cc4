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

// serve runs one function until it ends, and returns its exit code.
func serve(ctx context.Context, o *serveOptions, env environ, signals <-chan os.Signal, log logger) int {
	c, locks, err := readyToServe(ctx, o, env, log)
	for _, lock := range locks {
		defer lock.Close() // held as long as the function runs
	}
	if code, stopped := stoppedBy(ctx, signals); stopped {
		log.say("stopped before %s was started", o.name)
		return code
	}
	if err != nil {
		log.say("start %s: %v", o.name, err)
		return exitFailed
	}
	debug.FreeOSMemory()
	status, err := runDropped(c, o.uid, signals)
	if err != nil {
		log.say("run %s: %v", o.name, err)
		return exitFailed
	}
	log.say("%s %s", o.name, ending(status))
	return exitCode(status)
}

// readyToServe brings everything into place that needs root.
func readyToServe(ctx context.Context, o *serveOptions, env environ, log logger) (c command, locks []*os.File, err error) {
	tree, layer, locks, err := o.fetch(ctx, log)
	if err != nil {
		return c, locks, err
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
	python := "/usr/bin/python" + o.python
	if layer != "" {
		python = filepath.Join(layer, "bin", "python")
	}
	e := o.environment(layer, env)
	for _, v := range [][2]string{
		{"FNGEN_HOST", o.host},
		{"FNGEN_PORT", o.port},
		{"FNGEN_RUNTIME", runtime},
		{"FNGEN_HEALTH", o.health},
		{"FNGEN_DRAIN_SECONDS", strconv.Itoa(int(math.Ceil(o.drain.Seconds())))},
	} {
		e = e.with(v[0], v[1])
	}
	return command{
		path: python,
		args: []string{"-u", filepath.Join(runtime, "fngen", "runtime", "boot.py")},
		dir:  tree,
		env:  e,
	}
}
