package journal

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fngen.dev/fngen/pkg/task"
)

func TestTaskLine(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 5, 0, time.UTC)
	broken := &task.Error{Reason: task.ReasonException, Type: "ValueError", Message: "two\nlines"}
	for _, test := range []struct {
		event       task.Event
		level, text string
	}{
		{task.Event{State: task.Running, Attempt: 1}, "INFO", "task starts"},
		{task.Event{State: task.Running, Attempt: 3}, "INFO", "task starts (attempt 3)"},
		{task.Event{State: task.Succeeded, Attempt: 1}, "", ""},
		{task.Event{State: task.Retrying, Attempt: 1, Error: broken, NextAt: at}, "WARNING", "task failed: ValueError: two lines; it is tried again at 10:00:05"},
		{task.Event{State: task.Dead, Attempt: 5, Error: broken}, "ERROR", "task is dead (attempt 5): ValueError: two lines"},
		{task.Event{State: task.Failed, Attempt: 1, Error: &task.Error{Reason: task.ReasonCancelled}}, "INFO", "task was cancelled"},
		{task.Event{State: task.Failed, Attempt: 1, Error: &task.Error{Reason: task.ReasonPayload}}, "ERROR", "task failed, and is not tried again: bad_payload"},
		{task.Event{State: task.Dead, Attempt: 1}, "ERROR", "task is dead: it is not known why"},
	} {
		if level, text := taskLine(test.event); level != test.level || text != test.text {
			t.Errorf("%+v: %s %q", test.event, level, text)
		}
	}
	long := task.Event{State: task.Dead, Error: &task.Error{Message: strings.Repeat("ż", 1000)}}
	if _, text := taskLine(long); len(text) > shownFault+50 || !utf8.ValidString(text) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}
