// Package tasks is the commands about tasks: run_task, and tasks.
package tasks

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/task"
	"fngen.dev/fngen/pkg/term"
)

// tasksOptions are the flags of tasks.
type tasksOptions struct {
	dead          bool
	retry, cancel string
	function      string
	before        string
	limit         int
	here          bool
}

// NewCmd is fngen tasks.
func NewCmd(a *command.App) *cobra.Command {
	o := &tasksOptions{}
	cmd := &cobra.Command{
		Use:   "tasks PROJECT [TASK_ID]",
		Short: "Show tasks, one task, or put one back that failed",
		Long: `Show the tasks of a project, the newest first, or one task with its result or error.

A task is queued, running, retrying (an attempt failed, the next waits), succeeded,
failed (nothing to try again: a payload that does not fit, cancelled) or dead (every
attempt failed). What failed or died can be put back with --retry: it keeps its id.

Piped, the lines are tab separated and have no heading:
id, function, state, attempts, sent, finished, error.`,
		Example: "  fngen tasks my-project --dead",
		Args: func(cmd *cobra.Command, args []string) error {
			if o.here && (len(args) == 0 || len(args) == 1 && task.ValidID(args[0])) {
				return nil
			}
			return command.OneOrTwo("PROJECT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.here && (len(args) == 0 || len(args) == 1 && task.ValidID(args[0])) {
				args = append([]string{devProject}, args...)
			}
			id := ""
			if len(args) == 2 {
				id = args[1]
			}
			return runTasks(cmd.Context(), a, args[0], id, o)
		},
	}
	cmd.Flags().BoolVar(&o.dead, "dead", false, "only those that failed or died")
	cmd.Flags().StringVar(&o.retry, "retry", "", "put the task of this `ID` back into its queue")
	cmd.Flags().StringVar(&o.cancel, "cancel", "", "end the task of this `ID`")
	cmd.Flags().StringVar(&o.function, "function", "", "only those of one function")
	cmd.Flags().StringVar(&o.before, "before", "", "those before the task of this `ID`: the next page")
	cmd.Flags().IntVar(&o.limit, "limit", 50, "how many")
	cmd.Flags().BoolVar(&o.here, "dev", false, "those of the fngen dev of this directory; without PROJECT")
	cmd.MarkFlagsMutuallyExclusive("retry", "cancel", "dead")
	return cmd
}

func runTasks(ctx context.Context, a *command.App, project, id string, o *tasksOptions) error {
	if project != devProject || !o.here {
		if err := target.CheckProject(project); err != nil {
			return err
		}
	}
	if id != "" && (o.retry != "" || o.cancel != "" || o.dead) {
		return &exit.Usage{Message: "tasks: TASK_ID shows one task; it has no --dead, --retry or --cancel", Help: "usage: fngen tasks PROJECT --retry ID"}
	}
	if o.limit < 1 || o.limit > api.MaxTaskPage {
		return &exit.Usage{Message: fmt.Sprintf("tasks: --limit is from 1 to %d", api.MaxTaskPage), Help: "--before shows the next page"}
	}
	client, err := clientOf(a, o.here)
	if err != nil {
		return err
	}
	var t api.Task
	switch {
	case o.retry != "":
		t, err = client.RetryTask(ctx, project, o.retry)
	case o.cancel != "":
		t, err = client.CancelTask(ctx, project, o.cancel)
	case id != "":
		t, err = client.Task(ctx, project, id, 0)
	default:
		return listTasks(ctx, a, client, project, o)
	}
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(t)
	}
	return showTask(a, t)
}

func listTasks(ctx context.Context, a *command.App, client *api.Client, project string, o *tasksOptions) error {
	list, err := client.Tasks(ctx, project, api.TaskFilter{Dead: o.dead, Function: o.function, Before: o.before, Limit: o.limit})
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(command.OrEmpty(list))
	}
	if len(list) == 0 {
		a.Sayf("%s has no such tasks.", orDev(project))
		return nil
	}
	heading := []string{"ID", "FUNCTION", "STATE", "ATTEMPTS", "SENT", "FINISHED", "ERROR"}
	var rows [][]string
	for _, t := range list {
		failure := ""
		if t.Error != nil {
			failure = t.Error.Text()
		}
		rows = append(rows, []string{t.ID, t.Function, string(t.State), strconv.Itoa(t.Attempts), instant(a, &t.EnqueuedAt), instant(a, t.FinishedAt), failure})
	}
	if err := term.Table(a.IO.Out, a.IO.OutTTY, heading, rows); err != nil {
		return err
	}
	if len(list) == o.limit {
		a.Sayf("Older ones: --before %s", list[len(list)-1].ID)
	}
	return nil
}

// instant is a time as a person reads it, or as a program does.
func instant(a *command.App, t *time.Time) string {
	switch {
	case t == nil || t.IsZero():
		return "-"
	case a.IO.OutTTY:
		return t.Local().Format(time.DateTime)
	}
	return t.UTC().Format(time.RFC3339)
}

// showTask prints one task, a field a line.
func showTask(a *command.App, t api.Task) error {
	rows := [][]string{
		{"id", t.ID}, {"function", t.Function}, {"state", string(t.State)}, {"attempts", strconv.Itoa(t.Attempts)},
		{"release", strconv.Itoa(t.Release)}, {"sent", instant(a, &t.EnqueuedAt)}, {"started", instant(a, t.StartedAt)}, {"finished", instant(a, t.FinishedAt)},
	}
	if t.NextAt != nil {
		rows = append(rows, []string{"next attempt", instant(a, t.NextAt)})
	}
	if t.Server != "" {
		rows = append(rows, []string{"server", t.Server})
	}
	if len(t.Result) > 0 && string(t.Result) != "null" {
		rows = append(rows, []string{"result", string(t.Result)})
	}
	if t.Error != nil {
		rows = append(rows, []string{"error", t.Error.Text()})
	}
	if err := term.Table(a.IO.Out, a.IO.OutTTY, []string{"FIELD", "VALUE"}, rows); err != nil {
		return err
	}
	if t.Error == nil {
		return nil
	}
	for _, text := range []string{t.Error.Traceback, t.Error.Output} {
		if text != "" {
			a.Sayf("%s", term.Indent(text, ""))
		}
	}
	return nil
}
