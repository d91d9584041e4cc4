package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/e2e/load"
)

// manyFunctions is how many functions are pushed beside one.
const manyFunctions = 10

// functionTurns is how often each is pushed.
const functionTurns = 5

// rollouts is how long the rollouts of pushes took: of new functions, and of a
// change of them.
type rollouts struct{ first, change []time.Duration }

// functionsAtOnce pushes ten functions and one, turn by turn to the same server:
// new ones, and then a change of the line that all of them have.
func functionsAtOnce(ctx context.Context) ([]figure, error) {
	var one, many rollouts
	for range functionTurns {
		for _, side := range []struct {
			count int
			took  *rollouts
		}{{1, &one}, {manyFunctions, &many}} {
			if err := side.took.measure(ctx, side.count); err != nil {
				return nil, err
			}
		}
	}
	row := func(what string, ours, theirs []time.Duration) figure {
		a, b := median(ours), median(theirs)
		return figure{
			fmt.Sprintf("%s of %d functions", what, manyFunctions), seconds(a), seconds(b) + " (of one)",
			fmt.Sprintf("%.2f", float64(a)/float64(b)), "<= 1.5",
		}
	}
	return []figure{row("first rollout", many.first, one.first), row("rollout of a change", many.change, one.change)}, nil
}

// measure makes a project with so many functions, changes it, and destroys it.
func (r *rollouts) measure(ctx context.Context, count int) (err error) {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := errors.Join(b.write("fngen.yml", fmt.Sprintf(config, "xl", "us-west")), b.write("requirements.txt", "fastapi\n")); err != nil {
		return err
	}
	if err := command(ctx, "fngen", "create", b.project); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, command(context.WithoutCancel(ctx), "fngen", "destroy", b.project, "--yes"))
	}()
	var took [2]time.Duration
	for i := range took {
		if err := b.write("app.py", load.Several(i, slices.Repeat([]string{"/"}, count)...)); err != nil {
			return err
		}
		result, err := pushJSON(ctx, b.project, b.dir)
		if err != nil {
			return err
		}
		took[i] = time.Duration(result.Timings.Rollout) * time.Millisecond
		if err := b.answers(ctx, count, i); err != nil {
			return err
		}
		if err := b.settled(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "%d functions: first %s, change %s\n", count, seconds(took[0]), seconds(took[1]))
	r.first, r.change = append(r.first, took[0]), append(r.change, took[1])
	return nil
}

// answers holds that all functions answer as a version when the push says so.
func (b *bench) answers(ctx context.Context, count, version int) error {
	for i := range count {
		host := fmt.Sprintf("f%02d--%s", i, b.project)
		if got := b.http.get(ctx, host); !strings.Contains(got, fmt.Sprintf(`"version":%d`, version)) {
			return fmt.Errorf("%s answers %q after the push of version %d", host, got, version)
		}
	}
	return nil
}
