// Command bench measures fngen against what it competes with, on the
// one-machine cluster, and prints a table in Markdown.
//
// Every figure is a ratio against a rival or a floor that was measured in the
// same run, turn by turn, because machines are noisy. It measures whole
// processes from outside, as a person would live them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figure is a row of the table.
type figure struct {
	name, ours, rival, ratio, goal string
}

func run(ctx context.Context) error {
	if os.Getenv("FNGEN_INGRESS") == "" {
		return fmt.Errorf("no cluster: run `make up`, then `. .dev/env.sh`")
	}
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.cleanUp()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var table []figure
	for _, measure := range []func(context.Context) ([]figure, error){b.pushToAnswer, b.noChange, b.makeUp, b.memory} {
		figures, err := measure(ctx)
		if err != nil {
			return err
		}
		table = append(table, figures...)
	}
	fmt.Println("| figure | fngen | rival or floor | ratio | goal |")
	fmt.Println("|---|---|---|---|---|")
	for _, f := range table {
		fmt.Printf("| %s | %s | %s | %s | %s |\n", f.name, f.ours, f.rival, f.ratio, f.goal)
	}
	return nil
}
