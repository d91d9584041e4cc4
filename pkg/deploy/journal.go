package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Journal is the log of a project, in which the platform's own lines are too. None of
// its methods may be waited for long.
type Journal interface {
	// Say adds a line. function and release may be empty.
	Say(p store.Project, function, release, level, text string)
	// Forget has all of it deleted, and says when it will have been.
	Forget(ctx context.Context, p store.Project) (gone time.Time, err error)
}

// noted tells an event of a change in the project's log too.
func (c *change) noted(last *string, e api.Event) {
	if c.cfg.Journal == nil {
		return
	}
	function, level, text := c.inWords(e)
	if text == "" || text == *last {
		return // a step that goes on says so again
	}
	*last = text
	release := ""
	if c.release.Number > 0 {
		release = fmt.Sprint(c.release.Number)
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		c.cfg.Journal.Say(c.project, function, release, level, line)
	}
}

// inWords is an event as a line of the log.
func (c *change) inWords(e api.Event) (function, level, text string) {
	switch {
	case e.Phase != nil:
		return "", "INFO", e.Phase.Name + ": " + e.Phase.Message
	case e.Output != nil:
		if c.IR != nil && slices.ContainsFunc(c.IR.Functions, func(f ir.Function) bool { return f.Name == e.Output.Source }) {
			return e.Output.Source, "INFO", e.Output.Line
		}
		return "", "INFO", e.Output.Source + ": " + e.Output.Line
	case e.Done != nil && e.Done.Changed:
		return "", "INFO", fmt.Sprintf("release %d is live, by %s", e.Done.Release, c.actor.Email)
	case e.Failed != nil:
		return "", "ERROR", fmt.Sprintf("failed: %s", e.Failed.Detail)
	}
	return "", "", ""
}
