package logroutes

import (
	"context"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/store"
)

const (
	// refusedWithin is how far back fngen status looks for requests that were refused.
	refusedWithin = 10 * time.Minute
	// refusedLines are more than one project writes of them in that time: a process tells
	// once in ten seconds.
	refusedLines = 2000
	// refusedTime is what it waits for the logs: it tells all else without them.
	refusedTime = 2 * time.Second
	// overloadText begins what the runtime says (sdk/python/src/fngen/runtime/overload.py).
	overloadText = "overload: the memory is nearly full"
)

var overloadLine = regexp.MustCompile(regexp.QuoteMeta(overloadText) + ` .*: (\d{1,9}) answered by 503`)

// AddRefused notes at each instance how many requests it has refused of late, since its
// memory was nearly full. Its log is where that is told.
func (l *Routes) AddRefused(ctx context.Context, p store.Project, status *api.Status) {
	if l.Logs == nil || len(status.Functions) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, refusedTime)
	defer cancel()
	now := time.Now()
	lines, err := l.Logs.History(ctx, logs.Tenant(p.Name, p.ID), api.LogQuery{
		Power: "webapp", Level: "WARNING", Text: overloadText, Since: now.Add(-refusedWithin), Until: now, Limit: refusedLines,
	})
	if err != nil {
		l.Log.Warn("look for refused requests", slog.Any("error", err))
		return
	}
	for _, f := range status.Functions {
		for i := range f.Instances {
			f.Instances[i].Refused = refused(lines, f.Name, f.Instances[i].Allocation)
		}
	}
}

// refused adds up what an instance of a function has told.
func refused(lines []api.LogLine, function, allocation string) (sum int) {
	for _, line := range lines {
		if line.Function != function || line.Instance == "" || !strings.HasPrefix(allocation, line.Instance) {
			continue
		}
		if found := overloadLine.FindStringSubmatch(line.Message); found != nil {
			n, _ := strconv.Atoi(found[1]) // at most nine digits
			sum += n
		}
	}
	return sum
}
