// Package change is what commands share that change what runs: they follow a change to its
// end, and print what has become of it.
package change

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

// Follow shows the events of a push or rollback until it is live or failed. A stream that
// breaks off is taken up again, at any control plane, where the release is known by then.
// Else cut finds out how it ended, given when it began.
func Follow(ctx context.Context, a *command.App, client *api.Client, progress *term.Progress, project string, stream *api.PushStream, cut func(context.Context, time.Time) (*api.PushResult, error)) (*api.PushResult, error) {
	defer func() { _ = stream.Close() }()
	var began time.Time
	h := heard{at: time.Now()}
	for {
		event, err := stream.Next()
		if began.IsZero() {
			began = event.Time
		}
		if err == nil && !h.hears(event) {
			continue
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, Interrupted(project)
		case errors.Is(err, api.ErrPushCut) || errors.Is(err, io.EOF): // the end of a change before this one
			next := h.again(ctx, a, client, progress, project)
			if next == nil {
				return cut(ctx, began)
			}
			_ = stream.Close()
			stream = next
		case err != nil:
			return nil, err
		case event.Phase != nil:
			progress.Begin(event.Phase.Name, event.Phase.Message)
		case event.Output != nil:
			progress.Line(event.Output.Source, event.Output.Line)
		case event.Failed != nil:
			return nil, event.Failed
		case event.Done != nil:
			return event.Done, nil
		}
	}
}

// WriteURLs prints where the functions are, one URL a line.
func WriteURLs(a *command.App, r *api.PushResult) error {
	for _, u := range projectURLs(r) {
		if _, err := fmt.Fprintln(a.IO.Out, term.Escape(u)); err != nil {
			return err
		}
	}
	return nil
}

// projectURLs lists the URLs in file order, the project's own short one first.
func projectURLs(r *api.PushResult) []string {
	var urls []string
	for _, f := range r.Functions {
		if f.URL != "" && !slices.Contains(urls, f.URL) {
			urls = append(urls, f.URL)
		}
	}
	slices.SortStableFunc(urls, func(a, b string) int {
		return boolRank(isShort(b, r.Project)) - boolRank(isShort(a, r.Project))
	})
	return urls
}

func isShort(address, project string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasPrefix(u.Host, project+".")
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// UnknownEnd is the failure of someone who was cut off. Nothing is promised: whether
// the platform goes on or undoes what it began depends on which of the two sides the
// connection broke at.
func UnknownEnd(project string) error {
	return &exit.Failure{
		Code: exit.Unreachable, Message: "the connection to the platform ended before the push did, and how it ends is not known",
		Help: "see what became of it: fngen releases " + project + "\nwhat runs now: fngen status " + project,
	}
}

// Interrupted is the failure of someone who stops listening.
func Interrupted(project string) error {
	return &exit.Failure{Code: exit.Interrupted, Message: "interrupted; the platform goes on with the push", Help: "see what became of it: fngen status " + project}
}
