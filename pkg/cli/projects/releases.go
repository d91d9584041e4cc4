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
	return a.OfProject(&cobra.Command{
		Use:   "releases PROJECT",
		Short: "Show the history of a project",
		Long: `Show the releases of a project, the newest first: each push that began to change
what runs is one.

A release is live, superseded (it was live and can be brought back with rollback),
failed, pending while it is brought up, or interrupted: it failed, something of it
may still run, and the platform is at undoing that.

Piped, the lines are tab separated and have no heading:
release, state, time of the push, who, functions, reason of the failure.`,
		Example: "  fngen releases my-website",
	}, runReleases)
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
