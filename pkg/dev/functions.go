package dev

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/dev/tasks"
)

func names(functions []ir.Function) []string {
	out := make([]string, len(functions))
	for i, f := range functions {
		out[i] = f.Name
	}
	return out
}

func webFunctions(p *ir.Project) []ir.Function {
	var out []ir.Function
	for _, f := range p.Functions {
		if f.WebApp != nil {
			out = append(out, f)
		}
	}
	return out
}

// startAll starts a new instance of each function and puts it in the place of the old.
func (r *runner) startAll(ctx context.Context, env *environment, functions []ir.Function) error {
	faults := make([]error, len(functions))
	var group sync.WaitGroup
	for i, f := range functions {
		group.Go(func() {
			if f.WebApp != nil {
				faults[i] = r.replace(ctx, env, f)
			} else if err := r.tasks.Replace(ctx, f, r.worker(env)); err != nil && ctx.Err() == nil {
				faults[i] = fmt.Errorf("%s did not start: %w", f.Name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

// worker starts processes of task workers.
func (r *runner) worker(env *environment) tasks.Start {
	return func(_ context.Context, f ir.Function, variables ...string) (tasks.Process, error) {
		in, err := env.start(f, r.Line, []string{"dev-tasks"}, variables...)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", f.Name, err)
		}
		return in, nil
	}
}

func (r *runner) replace(ctx context.Context, env *environment, f ir.Function) error {
	in, err := env.serve(ctx, f, r.Line)
	if err != nil {
		return fmt.Errorf("start %s: %w", f.Name, err)
	}
	if err := in.ready(ctx); err != nil {
		in.Stop(stopTime)
		if ctx.Err() == nil {
			r.proxy.fail(f.Name, nil, fmt.Sprintf("%s did not start.\n\n%s", f.Name, in.Tail()))
			err = fmt.Errorf("%s did not start: %w", f.Name, err)
		}
		return err
	}
	old := r.proxy.serve(f.Name, in)
	r.mu.Lock()
	r.running[f.Name] = in
	r.mu.Unlock()
	go func() {
		<-in.done
		r.proxy.fail(f.Name, in, fmt.Sprintf("%s has ended.\n\n%s", f.Name, in.Tail()))
	}()
	if old != nil {
		go old.retire()
	}
	return nil
}

// drop ends the functions that are no more.
func (r *runner) drop(web []ir.Function) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, in := range r.running {
		gone := true
		for _, f := range web {
			gone = gone && f.Name != name
		}
		if gone {
			delete(r.running, name)
			go in.retire()
		}
	}
}

func (r *runner) stopAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var group sync.WaitGroup
	for _, in := range r.running {
		group.Go(func() { in.Stop(stopTime) })
	}
	group.Go(func() { r.tasks.Close(stopTime) })
	group.Wait()
}
