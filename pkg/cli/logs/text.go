package logs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/term"
)

// levelStyles are the colours of levels at a terminal.
var levelStyles = map[string]term.Style{"DEBUG": term.Dim, "WARNING": term.Yellow, "ERROR": term.Red, "CRITICAL": term.Red}

// format is a line for a person, or for another program.
func (l *logReader) format(line api.LogLine) string {
	who := line.Function
	if line.Power == "platform" || who == "" {
		who = strings.TrimSuffix("platform/"+who, "/")
	}
	message := readable(line.Message)
	if !l.IO.OutTTY {
		return fmt.Sprintf("%s\t%s\t%s\t%s\n", line.Time.UTC().Format(time.RFC3339Nano), line.Level, term.Escape(who), message)
	}
	paint := func(style term.Style, text string) string {
		if style == "" {
			return text
		}
		return l.IO.Paint(style, text)
	}
	style := levelStyles[line.Level]
	return fmt.Sprintf("%s %s %s %s\n", paint(term.Dim, clockTime(line.Time.Local(), time.Now())), paint(style, fmt.Sprintf("%-8s", line.Level)),
		paint(term.Bold, term.Escape(who)), paint(style, message))
}

// clockTime is short for what was today.
func clockTime(t, now time.Time) string {
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05")
}

var colours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// readable makes a message safe to show: without its own colours, and with all else
// that a terminal would act on made visible. When a line was written over again and
// again, as progress is, only the last state is shown. Several lines are set off from
// the next entry.
func readable(message string) string {
	lines := strings.Split(colours.ReplaceAllString(message, ""), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		lines[i] = term.Escape(line[strings.LastIndexByte(line, '\r')+1:])
	}
	return strings.Join(lines, "\n    ")
}

// timeFlag reads a time, or how long ago it was.
func timeFlag(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, ok := duration(text); ok {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &exit.Usage{
		Message: fmt.Sprintf("--%s %q is not a time", name, text),
		Help:    "say how long ago, as 10m, 2h or 3d, or when, as 2026-01-31T10:00:00Z",
	}
}

// duration reads those of Go, and days and weeks.
func duration(text string) (time.Duration, bool) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, d >= 0
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		number, is := strings.CutSuffix(text, unit)
		if n, err := strconv.Atoi(number); is && err == nil && n >= 0 && n <= 10_000 {
			return time.Duration(n) * length, true
		}
	}
	return 0, false
}
