package projects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/term"
)

// showRelease prints what happened while a release was brought up last.
func showRelease(ctx context.Context, a *command.App, client *api.Client, project string, release int) error {
	stream, err := client.ReleaseEvents(ctx, project, release, false)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	var events []api.Event
	for {
		e, err := stream.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, api.ErrPushCut) { // it is not at its end
			break
		}
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	if a.JSON {
		return a.WriteJSON(command.OrEmpty(events))
	}
	return term.Table(a.IO.Out, a.IO.OutTTY, []string{"TIME", "FROM", "MESSAGE"}, eventRows(events, a.IO.OutTTY))
}

func eventRows(events []api.Event, tty bool) [][]string {
	var rows [][]string
	for _, e := range events {
		at := e.Time.UTC().Format(time.RFC3339)
		if tty {
			at = e.Time.Local().Format(time.DateTime)
		}
		from, text := eventWords(e)
		rows = append(rows, []string{at, from, text})
	}
	return rows
}

// eventWords says who tells an event, and what it is.
func eventWords(e api.Event) (from, text string) {
	switch {
	case e.Phase != nil:
		return e.Phase.Name, e.Phase.Message
	case e.Output != nil:
		return e.Output.Source, e.Output.Line
	case e.Failed != nil:
		return "failed", e.Failed.Detail
	case e.Done != nil:
		return "done", fmt.Sprintf("release %d is live", e.Done.Release)
	}
	return "", ""
}
