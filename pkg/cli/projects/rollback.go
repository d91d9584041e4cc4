package projects

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/change"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// NewCmdRollback is fngen rollback.
func NewCmdRollback(a *command.App) *cobra.Command {
	return &cobra.Command{
		Use:   "rollback PROJECT [N]",
		Short: "Make an earlier release live again",
		Long: `Make release N of a project live again; without N, the last one that was live
before the one that is. Nothing is built: its code and dependencies are kept.

It rolls out like a push: what runs now serves until the other one answers, and
keeps serving when it does not. The URLs are printed, one a line.`,
		Example: "  fngen rollback my-website\n  fngen rollback my-website 12",
		Args:    command.OneOrTwo("PROJECT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			number := 0
			if len(args) == 2 {
				var err error
				if number, err = strconv.Atoi(args[1]); err != nil || number < 1 {
					return command.ArgsError(cmd, fmt.Sprintf("%q is not the number of a release", args[1]))
				}
			}
			return runRollback(cmd.Context(), a, args[0], number)
		},
	}
}

func runRollback(ctx context.Context, a *command.App, project string, number int) error {
	client, err := a.ClientOf(project)
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
	result, err := change.Follow(ctx, a, client, progress, project, stream, func(context.Context, time.Time) (*api.PushResult, error) {
		return nil, change.UnknownEnd(project)
	})
	if err != nil {
		return err
	}
	progress.Stop(true)
	total := time.Since(begin)
	if a.JSON {
		return a.WriteJSON(change.Document{
			Project: result.Project, Release: result.Release, Changed: result.Changed, Functions: command.OrEmpty(result.Functions),
			Timings: change.Timings{Rollout: result.RolloutMS, Total: total.Milliseconds()}, Diagnostics: command.OrEmpty(result.Diagnostics),
		})
	}
	done := fmt.Sprintf("Release %d of %s is live again", result.Release, result.Project)
	if !result.Changed {
		done = fmt.Sprintf("Nothing changed: release %d of %s is live", result.Release, result.Project)
	}
	a.Sayf("%s %s", a.IO.Paint(term.Bold, done), a.IO.Paint(term.Dim, fmt.Sprintf("(%.1fs)", total.Seconds())))
	return change.WriteURLs(a, result)
}
