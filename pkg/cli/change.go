package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

// followChange shows the events of a push or rollback until it is live or failed.
func (a *app) followChange(ctx context.Context, progress *term.Progress, project string, stream *api.PushStream) (*api.PushResult, error) {
	defer func() { _ = stream.Close() }()
	for {
		event, err := stream.Next()
		switch {
		case err != nil:
			return nil, leftBehind(ctx, project, err)
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

// leftBehind is the failure of someone who stops listening: the platform has the
// work and goes on with it.
func leftBehind(ctx context.Context, project string, err error) error {
	f := &failure{Code: unreachable, Message: err.Error(), Help: "see what became of it: fngen status " + project}
	switch {
	case ctx.Err() != nil:
		f.Code, f.Message = interrupted, "interrupted; the platform goes on with the push"
	case errors.Is(err, api.ErrPushCut):
		f.Message = api.ErrPushCut.Error()
	}
	return f
}

// writeURLs prints where the functions are, one URL a line.
func (a *app) writeURLs(r *api.PushResult) error {
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
