package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/load"
)

// loadPushes is how often each fleet is pushed under load.
const loadPushes = 100

// pushesUnderLoad pushes an app again and again, as soon as the push before is
// done, while all that people do with it goes on.
func pushesUnderLoad(ctx context.Context) ([]figure, error) {
	var table []figure
	for _, fleet := range []struct{ name, config string }{{"one server", load.OneServer}, {"three servers", load.ThreeServers}} {
		figures, err := underLoad(ctx, fleet.name, fleet.config)
		if err != nil {
			return nil, err
		}
		table = append(table, figures...)
	}
	return table, nil
}

func underLoad(ctx context.Context, name, fleet string) ([]figure, error) {
	var table []figure
	err := withLoadApp(ctx, fleet, func(b *bench) error {
		requests := b.everything(ctx)
		defer requests.Stop()
		var pushes []steps
		for i := range loadPushes {
			if err := b.write("app.py", load.App(i+1)); err != nil {
				return err
			}
			s, err := b.pushSteps(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%s, push %d at %s: %s\n", name, i+1, time.Now().Format(time.TimeOnly), s)
			pushes = append(pushes, s)
		}
		report := requests.Stop()
		fmt.Fprintf(os.Stderr, "%s\n%s", name, report)
		table = loadFigures(fmt.Sprintf("%d pushes under load, %s", loadPushes, name), report, pushes)
		return nil
	})
	return table, err
}

// withLoadApp makes the app that the load is for live, in a project of its own,
// for as long as it is used.
func withLoadApp(ctx context.Context, fleet string, use func(*bench) error) (err error) {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for file, text := range map[string]string{"fngen.yml": fleet, "requirements.txt": "fastapi\n", "app.py": load.App(0)} {
		if err := b.write(file, text); err != nil {
			return err
		}
	}
	if err := command(ctx, "fngen", "create", b.project); err != nil {
		return err
	}
	defer func() {
		destroyed := command(context.WithoutCancel(ctx), "fngen", "destroy", b.project, "--yes")
		err = errors.Join(err, destroyed)
	}()
	if err := command(ctx, "fngen", "push", b.project, b.dir); err != nil {
		return err
	}
	return use(b)
}

func (b *bench) write(file, text string) error {
	return os.WriteFile(filepath.Join(b.dir, file), []byte(text), 0o600)
}

// everything is the whole load on the project.
func (b *bench) everything(ctx context.Context) *load.Load {
	target := load.Target{URL: cluster.URL(b.project), Transport: b.http.http.Transport.(*http.Transport)}
	return load.Start(ctx, target, load.Everything()...)
}

func loadFigures(name string, report load.Report, pushes []steps) []figure {
	table := []figure{{
		name + ": failed requests", fmt.Sprintf("%d of %d", report.Failed(), report.Sent()), "", "", "0",
	}}
	for _, k := range report.Kinds {
		table = append(table, figure{"its " + k.Kind, fmt.Sprintf("%d of %d failed", k.Failed, k.Sent), "", "", "0"})
	}
	of := func(step func(steps) time.Duration) string {
		var list []time.Duration
		for _, p := range pushes {
			list = append(list, step(p))
		}
		return seconds(median(list)) + "; " + seconds(slices.Max(list))
	}
	return append(table,
		figure{name: "a push of them, the median; the longest", ours: of(func(s steps) time.Duration { return s.total })},
		figure{name: "of it until what the push before has replaced has ended", ours: of(func(s steps) time.Duration { return s.room })},
		figure{name: "of it until the new instances are healthy", ours: of(func(s steps) time.Duration { return s.start })},
		figure{name: "of it until the router leads to nothing else", ours: of(func(s steps) time.Duration { return s.route })},
	)
}

// steps is where the time of a push went, as its own talk tells it.
type steps struct{ before, room, start, route, total time.Duration }

func (s steps) String() string {
	return fmt.Sprintf("%s (before %s, room %s, start %s, route %s)", seconds(s.total), seconds(s.before), seconds(s.room), seconds(s.start), seconds(s.route))
}

// pushSteps pushes and takes the time at each line that tells of the next step.
func (b *bench) pushSteps(ctx context.Context) (steps, error) {
	var s steps
	begin := time.Now()
	current, since := &s.before, begin
	next := func(step *time.Duration) {
		now := time.Now()
		*current += now.Sub(since)
		current, since = step, now
	}
	talk, err := cluster.Talk(exec.CommandContext(ctx, "fngen", "push", b.project, b.dir), func(line string) {
		switch {
		case strings.HasPrefix(line, "rollout: making room"):
			next(&s.room)
		case strings.HasPrefix(line, "rollout: starting"):
			next(&s.start)
		case strings.HasPrefix(line, "route: "):
			next(&s.route)
		}
	})
	if err != nil {
		return s, fmt.Errorf("push: %w\n%s", err, talk)
	}
	next(new(time.Duration))
	s.total = time.Since(begin)
	return s, nil
}
