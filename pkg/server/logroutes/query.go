package logroutes

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
)

const (
	// usualLines is how many lines one gets who does not say.
	usualLines = 100
	maxLines   = 100_000
	// usualSpan is how far back lines are looked for, maxSpan how far back there may be
	// any.
	usualSpan = 7 * 24 * time.Hour
	maxSpan   = 366 * 24 * time.Hour
	maxText   = 1000
)

var (
	logName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	workID  = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)
)

// readLogQuery reads the query of a request, which came at now.
func readLogQuery(in url.Values, now time.Time) (api.LogQuery, error) {
	q := api.LogQuery{
		Power: in.Get("power"), Function: in.Get("function"), TaskID: in.Get("task_id"), RequestID: in.Get("request_id"),
		Level: strings.ToUpper(in.Get("level")), Text: in.Get("text"), Follow: in.Get("follow") == "true", Limit: usualLines, Until: now,
	}
	for _, f := range []struct {
		name, value string
		valid       *regexp.Regexp
	}{{"power", q.Power, logName}, {"function", q.Function, logName}, {"task_id", q.TaskID, workID}, {"request_id", q.RequestID, workID}} {
		if f.value != "" && !f.valid.MatchString(f.value) {
			return q, api.NewProblem(api.Invalid, "%s %q cannot be one", f.name, f.value)
		}
	}
	if q.Level == "WARN" {
		q.Level = "WARNING"
	}
	if q.Level != "" && !logs.ValidLevel(q.Level) {
		return q, api.NewProblem(api.Invalid, "%q is not a level", in.Get("level")).WithHelp("levels are DEBUG, INFO, WARNING, ERROR and CRITICAL")
	}
	if len(q.Text) > maxText || !utf8.ValidString(q.Text) {
		return q, api.NewProblem(api.Invalid, "text is longer than %d bytes, or not UTF-8", maxText)
	}
	if text := in.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxLines {
			return q, api.NewProblem(api.Invalid, "limit %q is not a number from 0 to %d", text, maxLines)
		}
		q.Limit = n
	}
	err := readTimes(in, now, &q)
	if made, ok := madeAt(q.TaskID); ok && made.Add(-clocksApart).After(q.Since) {
		q.Since = made.Add(-clocksApart)
	}
	return q, err
}

// clocksApart is more than the clocks of servers differ.
const clocksApart = 5 * time.Minute

// timed is a UUID of version 7, which begins with milliseconds since 1970.
var timed = regexp.MustCompile(`^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// madeAt is when the id of a task was made, if it says that: there are no lines of the task
// before, and the store finds lines by their time.
func madeAt(id string) (time.Time, bool) {
	parts := timed.FindStringSubmatch(id)
	if parts == nil {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(parts[1]+parts[2], 16, 64)
	return time.UnixMilli(ms), err == nil
}

func readTimes(in url.Values, now time.Time, q *api.LogQuery) error {
	for name, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		text := in.Get(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return api.NewProblem(api.Invalid, "%s %q is not a time such as 2026-01-31T10:00:00Z", name, text)
		}
		*to = t
	}
	// An agent's clock may be a little ahead.
	if latest := now.Add(time.Minute); q.Until.After(latest) || in.Get("until") == "" {
		q.Until = latest
	}
	if q.Since.IsZero() {
		q.Since = q.Until.Add(-usualSpan)
	}
	if earliest := now.Add(-maxSpan); q.Since.Before(earliest) {
		q.Since = earliest
	}
	return nil
}
