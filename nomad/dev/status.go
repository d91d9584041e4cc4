//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"fngen.dev/fngen/nomad/dev/process"
)

// status prints what runs.
func (c *cluster) status(context.Context) error {
	records, err := process.LoadAll(c.Run())
	if err != nil {
		return err
	}
	if len(records) == 0 {
		fmt.Println("nothing runs: make up starts the cluster")
		return nil
	}
	slices.SortFunc(records, func(a, b process.Record) int {
		if a.Order != b.Order {
			return a.Order - b.Order
		}
		return strings.Compare(a.Name, b.Name)
	})
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVER\tPID\tLOG")
	for _, r := range records {
		fmt.Fprintf(w, "%s\t%d\t%s\n", r.Name, r.PID, c.Log(r.Name))
	}
	return w.Flush()
}
