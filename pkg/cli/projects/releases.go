package projects

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// NewCmdReleases is fngen releases.
func NewCmdReleases(a *command.App) *cobra.Command {
	show := 0
	cmd := a.OfProject(&cobra.Command{
		Use:   "releases PROJECT",
		Short: "Show the history of a project",
		Long: `Show the releases of a project, the newest first: each push that began to change
what runs is one.

A release is live, superseded (it was live and can be brought back with rollback),
failed, pending while it is brought up, or interrupted: it failed, something of it
may still run, and the platform is at undoing that.

Piped, the lines are tab separated and have no heading:
release, state, time of the push, who, functions, reason of the failure.

--show N prints what happened while release N was brought up last: what the push or
rollback said. It is kept as long as the release can be brought back. Piped, the
columns are time, who says it, and what.`,
		Example: "  fngen releases my-website\n  fngen releases my-website --show 12",
	}, func(ctx context.Context, a *command.App, client *api.Client, project string) error {
		if show != 0 {
			return showRelease(ctx, a, client, project, show)
		}
		return runReleases(ctx, a, client, project)
	})
	cmd.Flags().IntVar(&show, "show", 0, "print what happened while release `N` was brought up")
	return cmd
}

func runReleases(ctx context.Context, a *command.App, client *api.Client, project string) error {
	releases, err := client.Releases(ctx, project)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(command.OrEmpty(releases))
	}
	if len(releases) == 0 {
		a.Sayf("%s has no releases yet. Make one: fngen push %s PATH", project, project)
		return nil
	}
	heading := []string{"RELEASE", "STATE", "PUSHED", "BY", "FUNCTIONS", "REASON"}
	return term.Table(a.IO.Out, a.IO.OutTTY, heading, releaseRows(releases, a.IO.OutTTY))
}

func releaseRows(releases []api.Release, tty bool) [][]string {
	var rows [][]string
	for _, r := range releases {
		pushed := r.CreatedAt.UTC().Format(time.RFC3339)
		if tty {
			pushed = r.CreatedAt.Local().Format(time.DateTime)
		}
		reason, _, _ := strings.Cut(r.Reason, "\n")
		rows = append(rows, []string{strconv.Itoa(r.Release), r.State, pushed, r.By, strings.Join(r.Functions, ","), reason})
	}
	return rows
}
