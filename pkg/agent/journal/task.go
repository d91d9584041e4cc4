package journal

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fngen.dev/fngen/pkg/agent/capture"
	"fngen.dev/fngen/pkg/task"
)

// shownFault is how much of what went wrong with a task is in the platform's line about
// it: all of it is with the task.
const shownFault = 500

// taskLine is what the log says of a task, and empty where that is nothing: of one that
// went well what it printed is enough.
func taskLine(e task.Event) (level, text string) {
	attempt := ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf(" (attempt %d)", e.Attempt)
	}
	switch e.State {
	case task.Running:
		return capture.Info, "task starts" + attempt
	case task.Retrying:
		return capture.Warning, fmt.Sprintf("task failed%s: %s; it is tried again at %s", attempt, fault(e.Error), e.NextAt.UTC().Format(time.TimeOnly))
	case task.Dead:
		return capture.Error, fmt.Sprintf("task is dead%s: %s", attempt, fault(e.Error))
	case task.Failed:
		if e.Error != nil && e.Error.Reason == task.ReasonCancelled {
			return capture.Info, "task was cancelled"
		}
		return capture.Error, fmt.Sprintf("task failed%s, and is not tried again: %s", attempt, fault(e.Error))
	}
	return "", ""
}

// fault is in one line what went wrong.
func fault(e *task.Error) string {
	if e == nil {
		return "it is not known why"
	}
	text := strings.Join(strings.Fields(e.Message), " ")
	if e.Type != "" {
		text = strings.TrimSuffix(e.Type+": "+text, ": ")
	}
	if len(text) > shownFault {
		end := shownFault
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + " ..."
	}
	return cmp.Or(text, string(e.Reason))
}
