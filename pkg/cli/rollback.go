package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

func newCmdRollback(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rollback PROJECT [N]",
		Short: "Make an earlier release live again",
		Long: `Make release N of a project live again; without N, the last one that was live
before the one that is. Nothing is built: its code and dependencies are kept.

It rolls out like a push: what runs now serves until the other one answers, and
keeps serving when it does not. The URLs are printed, one a line.`,
		Example: "  fngen rollback my-website\n  fngen rollback my-website 12",
		Args:    rollbackArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			number := 0
			if len(args) == 2 {
				var err error
				if number, err = strconv.Atoi(args[1]); err != nil || number < 1 {
					return argsError(cmd, fmt.Sprintf("%q is not the number of a release", args[1]))
				}
			}
			return runRollback(cmd.Context(), a, args[0], number)
		},
	}
}

func rollbackArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return argsError(cmd, "PROJECT is missing")
	}
	return maxArgs(2)(cmd, args)
}

func runRollback(ctx context.Context, a *app, project string, number int) error {
	if err := checkProject(project); err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	begin := time.Now()
	progress := a.IO.NewProgress()
	defer progress.Stop(false)
	stream, err := client.Rollback(ctx, project, number)
	if err != nil {
		return err
	}
	result, err := a.followChange(ctx, progress, project, stream, func(context.Context, time.Time) (*api.PushResult, error) {
		return nil, unknownEnd(project)
	})
	if err != nil {
		return err
	}
	progress.Stop(true)
	total := time.Since(begin)
	if a.json {
		return a.writeJSON(pushDocument{
			Project: result.Project, Release: result.Release, Changed: result.Changed, Functions: orEmpty(result.Functions),
			Timings: timings{Rollout: result.RolloutMS, Total: total.Milliseconds()}, Diagnostics: orEmpty(result.Diagnostics),
		})
	}
	done := fmt.Sprintf("Release %d of %s is live again", result.Release, result.Project)
	if !result.Changed {
		done = fmt.Sprintf("Nothing changed: release %d of %s is live", result.Release, result.Project)
	}
	a.sayf("%s %s", a.IO.Paint(term.Bold, done), a.IO.Paint(term.Dim, fmt.Sprintf("(%.1fs)", total.Seconds())))
	return a.writeURLs(result)
}
