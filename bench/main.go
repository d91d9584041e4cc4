// Command bench measures fngen against what it competes with and prints a table
// in Markdown. Arguments are names of measurements; without any it makes all of
// them, and then it needs the one-machine cluster.
//
// Every figure is a ratio against a rival or a floor that was measured in the
// same run, turn by turn, because machines are noisy. It measures whole
// processes from outside, as a person would live them, and single phases only
// where no process can be found to compare with.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figure is a row of the table.
type figure struct {
	name, ours, rival, ratio, goal string
}

// offline measurements need no cluster and come first, on a machine at rest.
var offline = []struct {
	name    string
	measure func(context.Context) ([]figure, error)
}{
	{"files", listFiles},
	{"discover", discovery},
	{"own-tree", ownTree},
	{"tasks", tasksBesideRivals},
	{"serving", serving},
	{"dev", developing},
}

// alone measurements need the cluster's servers for themselves. They make projects
// of their own.
var alone = []struct {
	name    string
	measure func(context.Context) ([]figure, error)
}{
	{"load", pushesUnderLoad},
	{"faults", faultsUnderLoad},
	{"functions", functionsAtOnce},
	{"router", throughRouter},
	{"logs", logFigures},
	{"log-history", logHistory},
}

// online measurements share one project on the cluster.
var online = []struct {
	name    string
	measure func(*bench, context.Context) ([]figure, error)
}{
	{"rollout", (*bench).pushToAnswer},
	{"first-push", (*bench).firstPush},
	{"no-change-push", (*bench).noChangePush},
	{"large-file", (*bench).largeFile},
	{"one-line", (*bench).oneLine},
	{"up", (*bench).makeUp},
	{"memory", (*bench).memory},
}

func run(ctx context.Context, names []string) error {
	if err := checkNames(names); err != nil {
		return err
	}
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	var table []figure
	for _, m := range slices.Concat(offline, alone) {
		if !wanted(m.name) {
			continue
		}
		figures, err := m.measure(ctx)
		if err != nil {
			return fmt.Errorf("measure %s: %w", m.name, err)
		}
		table = append(table, figures...)
	}
	figures, err := runOnline(ctx, wanted)
	if err != nil {
		return err
	}
	printTable(append(table, figures...))
	return nil
}

func checkNames(names []string) error {
	var known []string
	for _, m := range slices.Concat(offline, alone) {
		known = append(known, m.name)
	}
	for _, m := range online {
		known = append(known, m.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no measurement %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func runOnline(ctx context.Context, wanted func(string) bool) ([]figure, error) {
	var b *bench
	var table []figure
	for _, m := range online {
		if !wanted(m.name) {
			continue
		}
		if b == nil {
			var err error
			if b, err = startBench(ctx); err != nil {
				return nil, err
			}
			defer b.cleanUp()
		}
		figures, err := m.measure(b, ctx)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", m.name, err)
		}
		table = append(table, figures...)
	}
	return table, nil
}

func startBench(ctx context.Context) (*bench, error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	return b, b.prepare(ctx)
}

func printTable(table []figure) {
	fmt.Println("| figure | fngen | rival or floor | ratio | goal |")
	fmt.Println("|---|---|---|---|---|")
	for _, f := range table {
		fmt.Printf("| %s | %s | %s | %s | %s |\n", f.name, f.ours, f.rival, f.ratio, f.goal)
	}
}
