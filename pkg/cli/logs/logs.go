// Package logs is fngen logs: lines read, followed over a connection that breaks, and shown.
package logs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
)

type logsOptions struct {
	Project      string
	Query        api.LogQuery
	Since, Until string
}

// NewCmd is fngen logs.
func NewCmd(a *command.App) *cobra.Command {
	o := logsOptions{}
	cmd := &cobra.Command{
		Use:   "logs [PROJECT] [flags]",
		Short: "Show what functions and the platform have logged",
		Long: `Show what the functions of a project have printed and logged, and what the platform
did with them: pushes, starts and ends, with power "platform". Without PROJECT it is the
project of the current directory.

The newest lines are shown, the oldest of them first; --follow goes on with those that
come. All conditions must hold; --level means this level or worse.

Piped, a line is: time, level, function (or power), message, with tabs between.
With --json each line is one JSON object.`,
		Example: `  fngen logs my-website --follow
  fngen logs my-website --function live_app --level ERROR --since 1h`,
		Args: command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Project = args[0]
			}
			return runLogs(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.Query.Follow, "follow", "f", false, "go on with new lines as they come")
	f.StringVar(&o.Query.Power, "power", "", "only of one `power`: webapp, task_worker, platform")
	f.StringVar(&o.Query.Function, "function", "", "only of one function, by its `name`")
	f.StringVar(&o.Query.TaskID, "task-id", "", "only of one task, by its `id`")
	f.StringVar(&o.Query.RequestID, "request-id", "", "only of one request, by its `id` (the header X-Request-Id of its answer)")
	f.StringVar(&o.Query.Level, "level", "", "only of this `level` or worse: DEBUG, INFO, WARNING, ERROR, CRITICAL")
	f.StringVar(&o.Query.Text, "grep", "", "only lines that hold this `text`")
	f.StringVar(&o.Since, "since", "", "only since a `time`: 10m, 2h, 3d ago, or 2026-01-31T10:00:00Z (7d without it)")
	f.StringVar(&o.Until, "until", "", "only until a `time`, likewise")
	f.IntVar(&o.Query.Limit, "limit", 100, "show at most so many lines, the newest")
	return cmd
}

func runLogs(ctx context.Context, a *command.App, o logsOptions) error {
	if err := o.complete(time.Now()); err != nil {
		return err
	}
	client, err := a.Client()
	if err != nil {
		return err
	}
	l := &logReader{App: a, client: client, project: o.Project, q: o.Query}
	if err := l.read(ctx); err != nil {
		return err
	}
	if l.shown == 0 {
		a.Sayf("%s", l.hint(ctx))
	}
	return nil
}

// complete reads what was given as texts, at the time now.
func (o *logsOptions) complete(now time.Time) (err error) {
	if o.Project == "" {
		if o.Project, err = target.Current(); err != nil {
			return err
		}
	}
	if err := target.CheckProject(o.Project); err != nil {
		return err
	}
	if o.Query.Since, err = timeFlag("since", o.Since, now); err != nil {
		return err
	}
	if o.Query.Until, err = timeFlag("until", o.Until, now); err != nil {
		return err
	}
	if o.Query.Limit < 1 {
		return &exit.Usage{Message: fmt.Sprintf("--limit %d is not a number of lines", o.Query.Limit)}
	}
	if o.Query.Follow && o.Until != "" {
		return &exit.Usage{Message: "--follow goes on, and --until ends it: leave one of them out"}
	}
	o.Query.Level = strings.ToUpper(o.Query.Level)
	if levels := []string{"", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"}; !contains(levels, o.Query.Level) {
		return &exit.Usage{Message: fmt.Sprintf("%q is not a level", o.Query.Level), Help: didYouMean(o.Query.Level, levels[1:])}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

func didYouMean(given string, known []string) string {
	if near := diag.Nearest(given, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "there are " + strings.Join(known, ", ")
}

// hint says why there may be nothing.
func (l *logReader) hint(ctx context.Context) string {
	if f := l.q.Function; f != "" {
		if status, err := l.client.Status(ctx, l.project); err == nil {
			var names []string
			for _, fn := range status.Functions {
				names = append(names, fn.Name)
			}
			if !contains(names, f) && len(names) > 0 {
				return fmt.Sprintf("No lines: %s has no function %q now; %s", l.project, f, didYouMean(f, names))
			}
		}
	}
	if l.q == (api.LogQuery{Limit: l.q.Limit, Until: l.q.Until, Since: l.q.Since}) {
		return fmt.Sprintf("No lines: %s has logged nothing in that time", l.project)
	}
	return "No lines match. Leave out a condition, or look further back: --since 30d"
}
