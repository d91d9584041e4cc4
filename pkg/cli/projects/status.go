package projects

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// NewCmdStatus is fngen status.
func NewCmdStatus(a *command.App) *cobra.Command {
	return a.OfProject(&cobra.Command{
		Use:   "status PROJECT",
		Short: "Show what runs: functions, servers, instances, health",
		Long: `Show what runs in a project: one line for each instance of each function, with
its server, where that is, its health and its release. An instance that refused
requests of late, since its memory was nearly full, is named below them.

Piped, the lines are tab separated and have no heading:
function, server, size, region, instance, state, health, restarts, release.`,
		Example: "  fngen status my-website",
	}, runStatus)
}

func runStatus(ctx context.Context, a *command.App, client *api.Client, project string) error {
	status, err := client.Status(ctx, project)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(status)
	}
	saySummary(a, status)
	if len(status.Functions) == 0 {
		return nil
	}
	heading := []string{"FUNCTION", "SERVER", "SIZE", "REGION", "INSTANCE", "STATE", "HEALTH", "RESTARTS", "RELEASE"}
	if err := term.Table(a.IO.Out, a.IO.OutTTY, heading, statusRows(status)); err != nil {
		return err
	}
	sayRefused(a, status)
	if len(status.Queues) == 0 {
		return nil
	}
	// Queues are talk when piped: the lines of a program have one form.
	queues := []string{"QUEUE", "READY", "RUNNING", "OLDEST", "RATE", "WORKERS"}
	for _, line := range term.Align(append([][]string{queues}, queueRows(status)...)) {
		a.Sayf("%s", line)
	}
	return nil
}

// saySummary prints the heading of the table, which is talk.
func saySummary(a *command.App, s api.Status) {
	switch {
	case s.Release == 0:
		a.Sayf("%s: %s, nothing is live. Put code in it: fngen push %s PATH", s.Project, s.State, s.Project)
	case s.URL == "":
		a.Sayf("%s: %s, release %d", s.Project, s.State, s.Release)
	default:
		a.Sayf("%s: %s, release %d, %s", s.Project, s.State, s.Release, term.Escape(s.URL))
	}
	if s.Problem != "" {
		a.Sayf("%s", term.Escape(s.Problem))
	}
}

// sayRefused names who refuses requests since its memory is nearly full.
func sayRefused(a *command.App, s api.Status) {
	for _, f := range s.Functions {
		for _, i := range f.Instances {
			if i.Refused > 0 {
				a.Sayf("%s, instance %s on %s, refused %d requests for lack of memory in the last 10 minutes (503). Give it a larger size, or look what fills it: fngen logs %s --function %s",
					f.Name, shortID(i.Allocation), i.Server, i.Refused, s.Project, f.Name)
			}
		}
	}
}

// statusRows is one row an instance; a function without any has one row too.
func statusRows(s api.Status) [][]string {
	var rows [][]string
	for _, f := range s.Functions {
		if len(f.Instances) == 0 {
			rows = append(rows, []string{f.Name, "-", "-", "-", "-", "stopped", "-", "-", "-"})
		}
		for _, i := range f.Instances {
			rows = append(rows, []string{
				f.Name, i.Server, i.Size, i.Region, shortID(i.Allocation), i.State, health(i),
				strconv.FormatUint(i.Restarts, 10), fmt.Sprint(i.Release),
			})
		}
	}
	return rows
}

// queueRows is one row a queue; one whose function is gone says so.
func queueRows(s api.Status) [][]string {
	var rows [][]string
	for _, q := range s.Queues {
		name := q.Function
		if q.Parked {
			name += " (parked)"
		}
		oldest := "-"
		if q.OldestSeconds > 0 {
			oldest = (time.Duration(q.OldestSeconds) * time.Second).String()
		}
		rows = append(rows, []string{
			name, strconv.Itoa(q.Ready), strconv.Itoa(q.Running), oldest, strconv.FormatFloat(q.Rate, 'f', 1, 64) + "/s", strconv.Itoa(q.Workers),
		})
	}
	return rows
}

func health(i api.InstanceStatus) string {
	if i.Healthy {
		return "healthy"
	}
	return "unhealthy"
}

// shortID is the part of an allocation's id that Nomad's own tools show.
func shortID(id string) string { return id[:min(len(id), 8)] }
