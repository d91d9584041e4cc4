// Package dev runs the functions of a tree on the machine of the person who
// writes it, without a platform: the same compile, the same runtime, behind a proxy
// that holds requests while a function starts anew.
//
// A save makes a new instance of each function that it may matter to; the old one serves
// until the new one answers, and goes when its last request has ended. Code with faults
// changes nothing.
package dev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/dev/tasks"
	"fngen.dev/fngen/pkg/task"
)

// Options say what to run, and how to talk about it. All are required but Python.
type Options struct {
	// Root is the absolute path of the tree.
	Root string
	// Address is where to listen, such as "127.0.0.1:8000".
	Address string
	// Python is an interpreter with the dependencies in place; empty has them
	// installed into .fngen/dev.
	Python string
	// UV is the installer.
	UV string
	// Compile reads the tree. Its error has been told to the person already.
	Compile func(ctx context.Context) (Compiled, error)
	// Variables are those of the project, "NAME=value".
	Variables func() ([]string, error)
	// Say tells what goes on; Line is a line that a function printed.
	Say  func(format string, args ...any)
	Line func(function, line string)
	// Fast has no attempt of a task wait longer than a second.
	Fast bool
	// Task is told what becomes of a task, Ready which functions run by new code, and
	// what that took.
	Task  func(task.Event)
	Ready func(functions []string, took time.Duration)
	// Reload asks for all functions to be started anew, also without a change.
	Reload <-chan struct{}
}

// Compiled is a tree, and the digests of the files of which a change has to be served.
type Compiled struct {
	Project *ir.Project
	Files   map[string]string
}

// stopTime is how long the functions have at the end.
const stopTime = 1500 * time.Millisecond

// Run serves the tree until ctx ends. listening is told the address.
func Run(ctx context.Context, o Options, listening func(address string)) error {
	changes, err := watch(ctx, o.Root)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return fmt.Errorf("listen for the browser: %w", err)
	}
	address := listener.Addr().String()
	dir, err := workplace(o.Root)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	r := &runner{
		Options: o, dir: dir, platform: "http://" + address + strings.TrimSuffix(tasks.Prefix, "/"), proxy: newProxy(), running: map[string]*instance{},
		tasks: tasks.New(tasks.Options{Database: filepath.Join(dir, "tasks.db"), Fast: o.Fast, Tell: o.Task, Say: o.Say}),
	}
	forget, err := remember(dir, r.platform)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer forget()
	mux := http.NewServeMux()
	mux.Handle("/", r.proxy)
	mux.Handle(tasks.Prefix, r.tasks.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	listening(address)
	err = r.loop(ctx, changes)
	_ = server.Close()
	r.stopAll()
	if errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C is how it is meant to end
	}
	return err
}

// runner brings what runs in line with the tree.
type runner struct {
	Options
	proxy *proxy
	tasks *tasks.Service
	// dir is where all is that is made for here, and platform the address of tasks.
	dir, platform string

	mu      sync.Mutex
	running map[string]*instance
}

// loop brings what runs in line with the tree, and again after each change of what is
// served; one that comes meanwhile ends the start that is going on.
func (r *runner) loop(ctx context.Context, changes <-chan struct{}) error {
	wanted, end, anew := "", func() {}, false
	for {
		if t, ok := r.read(ctx); ok && (anew || t.digest != wanted) {
			end()
			t.anew = anew
			wanted, end = t.digest, r.begin(ctx, t)
		}
		anew = false
		select {
		case <-ctx.Done():
			end()
			return ctx.Err()
		case <-changes:
		case <-r.Reload:
			anew = true
		}
	}
}

// begin applies a tree beside the caller, until it is done or the function that is
// returned was called, which waits for it.
func (r *runner) begin(ctx context.Context, t tree) (end func()) {
	current, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.apply(current, t); err != nil && current.Err() == nil {
			r.Say("%v", err)
		}
	}()
	return func() { cancel(); <-done }
}

// tree is what is to run. Its digest is that of all that a change of has to be served.
type tree struct {
	project   *ir.Project
	files     map[string]string
	variables []string
	digest    string
	// anew has functions started that nothing has changed for.
	anew bool
}

// read compiles the tree. Faults have been told, and what runs goes on.
func (r *runner) read(ctx context.Context) (tree, bool) {
	compiled, err := r.Compile(ctx)
	if err != nil {
		r.proxy.refuse("The code has faults; they are in the terminal where `fngen dev` runs.")
		return tree{}, false
	}
	variables, err := r.Variables()
	if err != nil {
		r.Say("%v", err)
		r.proxy.refuse(err.Error())
		return tree{}, false
	}
	r.proxy.refuse("")
	return tree{project: compiled.Project, files: compiled.Files, variables: variables, digest: fmt.Sprintf("%q %q", compiled.Files, variables)}, true
}

// apply starts what the tree means.
func (r *runner) apply(ctx context.Context, t tree) error {
	env, err := r.prepare(ctx, t)
	if err != nil {
		if ctx.Err() == nil {
			r.proxy.refuse(err.Error())
		}
		return err
	}
	begin := time.Now()
	web := webFunctions(t.project)
	r.proxy.route(web)
	r.drop(web)
	r.tasks.Expect(t.project)
	functions := t.project.Functions
	if !t.anew {
		functions = r.stale(ctx, env.origin, functions)
	}
	if err := r.startAll(ctx, env, functions); err != nil {
		return err
	}
	if len(functions) > 0 {
		r.Ready(names(functions), time.Since(begin))
	}
	return nil
}
