package tasks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/binding"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/task"
	"fngen.dev/fngen/pkg/term"
)

// waitTime is how long one request waits for the end of a task.
const waitTime = 25 * time.Second

// NewCmdRun is fngen run_task.
func NewCmdRun(a *command.App) *cobra.Command {
	var wait, here bool
	var key string
	cmd := &cobra.Command{
		Use:   "run_task PROJECT FUNCTION PAYLOAD",
		Short: "Have a @task_worker function run in the background",
		Long: `Send a task to a @task_worker function of a project, and print its id. PAYLOAD is
JSON of at most 64 MiB: an object gives the parameters by name, an array by position.
- reads it from stdin, which takes what is too long for a command line.

A payload that does not fit the function is refused here, with every fault. A task
that was sent is run at least once.

With --wait the command waits for the end, prints the result as JSON, and fails when
the task does. With --dev the task is for the ` + "`fngen dev`" + ` that runs in this directory,
and PROJECT is left out.`,
		Example: `  fngen run_task my-project process_order '{"order_id": 7, "items": []}'
  fngen run_task --dev --wait process_order '{"order_id": 7, "items": []}'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if here && len(args) == 2 {
				return nil
			}
			return command.ExactArgs("PROJECT", "FUNCTION", "PAYLOAD")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if here && len(args) == 2 {
				args = append([]string{devProject}, args...)
			}
			return runRunTask(cmd.Context(), a, args[0], args[1], args[2], key, wait, here)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the end, and print the result")
	cmd.Flags().StringVar(&key, "key", "", "the same key gives the same task for a day")
	cmd.Flags().BoolVar(&here, "dev", false, "run it in the fngen dev of this directory, without PROJECT")
	return cmd
}

func runRunTask(ctx context.Context, a *command.App, project, function, text, key string, wait, here bool) error {
	if project != devProject || !here {
		if err := target.CheckProject(project); err != nil {
			return err
		}
	}
	body, err := readPayload(a, text)
	if err != nil {
		return err
	}
	client, err := clientOf(a, here)
	if err != nil {
		return err
	}
	if key == "" {
		key = "cli-" + rand.Text() // so that a request can be sent again when the connection breaks
	}
	t, err := client.RunTask(ctx, project, api.NewTask{Function: function, Payload: body, Key: key})
	if err != nil {
		return payloadFailure(a, err)
	}
	if !wait {
		if a.JSON {
			return a.WriteJSON(t)
		}
		_, err = fmt.Fprintln(a.IO.Out, t.ID)
		return err
	}
	return awaitTask(ctx, a, client, project, t)
}

// readPayload is the argument, or stdin. That it is JSON is said here, where a shell's
// quotes are at fault most often.
func readPayload(a *command.App, text string) (json.RawMessage, error) {
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(a.IO.In, task.MaxLarge+1))
		if err != nil {
			return nil, fmt.Errorf("read payload: %w", err)
		}
		text = string(data)
	}
	if len(text) > task.MaxLarge {
		return nil, &exit.Usage{
			Message: fmt.Sprintf("the payload has more than %d MiB", task.MaxLarge>>20),
			Help:    "put the data where the function reads it, such as a bucket, and send its place",
		}
	}
	if !json.Valid([]byte(text)) {
		return nil, &exit.Usage{Message: "PAYLOAD is not JSON", Help: `quote it for the shell: '{"name": "Aang"}'`}
	}
	return json.RawMessage(text), nil
}

// payloadFailure shows every field that does not fit.
func payloadFailure(a *command.App, err error) error {
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || len(p.Faults) == 0 {
		return err
	}
	var out strings.Builder
	out.WriteString(p.Detail)
	for _, f := range p.Faults {
		out.WriteString("\n" + faultLine(f))
	}
	return &exit.Failure{Code: p.Code, Message: out.String(), Help: p.Help, Faults: p.Faults}
}

func faultLine(f binding.Fault) string {
	var place strings.Builder
	for _, part := range f.Loc {
		switch part := part.(type) {
		case string:
			if place.Len() > 0 {
				place.WriteByte('.')
			}
			place.WriteString(part)
		default:
			fmt.Fprintf(&place, "[%v]", part)
		}
	}
	if place.Len() == 0 {
		place.WriteString("payload")
	}
	return place.String() + ": " + f.Message
}

// awaitTask waits for the end, and says what happens meanwhile.
func awaitTask(ctx context.Context, a *command.App, client *api.Client, project string, t api.Task) error {
	said := ""
	for !t.State.Ended() {
		if text := progressOf(t); text != said {
			said = text
			a.Sayf("%s %s", t.ID, term.Escape(text))
		}
		next, err := client.Task(ctx, project, t.ID, waitTime)
		if err != nil {
			return err
		}
		t = next
	}
	if a.JSON {
		if err := a.WriteJSON(t); err != nil {
			return err
		}
	} else if t.State == task.Succeeded {
		if _, err := fmt.Fprintln(a.IO.Out, resultText(t.Result)); err != nil {
			return err
		}
	}
	if t.State == task.Succeeded {
		return nil
	}
	err := &exit.Failure{Code: api.Failed, Message: fmt.Sprintf("task %s is %s: %s", t.ID, t.State, t.Error.Text())}
	if t.Retryable {
		err.Help = fmt.Sprintf("fngen tasks %s --retry %s puts it back", orDev(project), t.ID)
	}
	if a.JSON {
		return &exit.Reported{Err: err}
	}
	return err
}

// progressOf says where a task stands that has not ended.
func progressOf(t api.Task) string {
	if t.State == task.Retrying && t.NextAt != nil {
		return fmt.Sprintf("attempt %d failed: %s; the next begins at %s", t.Attempts, t.Error.Text(), t.NextAt.Local().Format(time.TimeOnly))
	}
	return "is " + string(t.State)
}

func resultText(result json.RawMessage) string {
	if len(result) == 0 {
		return "null"
	}
	return string(result)
}

// orDev is how a project is named on the command line.
func orDev(project string) string {
	if project == devProject {
		return "--dev"
	}
	return project
}
