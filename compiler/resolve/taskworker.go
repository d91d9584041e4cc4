package resolve

import (
	"fmt"
	"regexp"
	"strconv"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// What the options of a task worker may be.
const (
	// maxConcurrency is what one event loop is given, and what the largest server
	// can hold as processes: 160 MB for each.
	maxConcurrency = 100
	// maxTimeout is half of the day for which the broker leaves a task with a
	// worker: a task may have to wait there for one before it.
	maxTimeout ir.Seconds = 12 * 60 * 60
	minTimeout ir.Seconds = 1
	// maxRetries are four days at an hour each, the longest pause before one.
	maxRetries = 100

	timeoutHelp = "write a time such as '90s', '15m' or '1h30m', or a whole number of seconds"
)

var (
	taskWorkerOptions = []option{
		{name: "compute"},
		{name: "concurrency", keyword: true},
		{name: "timeout", keyword: true},
		{name: "retries", keyword: true},
	}
	timePart    = regexp.MustCompile(`^([0-9]{1,9})([smh])`)
	unitSeconds = map[string]int64{"s": 1, "m": 60, "h": 3600}
	// unfillable are types of which no JSON value can be made.
	unfillable = regexp.MustCompile(`^(?:(?:typing|collections\.abc)\.)?(?:Callable|Awaitable|Coroutine|Generator|AsyncGenerator|AsyncIterator|AsyncIterable)(?:\[.*\])?$`)
)

// taskWorker resolves @task_worker(compute='server', *, concurrency=1,
// timeout='15m', retries=5).
func (r *resolver) taskWorker(fn *ir.Function, u discover.Use) {
	g := r.options(u, taskWorkerOptions)
	fn.Power = ir.PowerTaskWorker
	fn.TaskWorker = &ir.TaskWorker{
		Compute:     r.compute(u, g),
		Concurrency: r.whole(u, g, "concurrency", bounds{1, maxConcurrency, 1}),
		Timeout:     r.timeout(u, g),
		Retries:     r.whole(u, g, "retries", bounds{0, maxRetries, 5}),
	}
	r.fillable(u)
	r.runs(u)
}

// timeout reads "15m", "1h30m" or a number of seconds.
func (r *resolver) timeout(u discover.Use, g given) ir.Seconds {
	const byDefault ir.Seconds = 15 * 60
	v, set := g["timeout"]
	if !set || v.Kind == literal.Bad {
		return byDefault
	}
	seconds, ok := secondsOf(v)
	switch {
	case !ok:
		r.fault("FN1351", v.Place, fmt.Sprintf("timeout %s of @%s is not a time", v, u.Power), timeoutHelp)
	case seconds < int64(minTimeout):
		r.fault("FN1351", v.Place, fmt.Sprintf("timeout %s of @%s is shorter than %s", v, u.Power, minTimeout), timeoutHelp)
	case seconds > int64(maxTimeout):
		r.fault("FN1351", v.Place, fmt.Sprintf("timeout %s of @%s is longer than %s", v, u.Power, maxTimeout),
			"let one task do less, and send more of them")
	default:
		return ir.Seconds(seconds)
	}
	return byDefault
}

func secondsOf(v literal.Value) (seconds int64, ok bool) {
	switch v.Kind {
	case literal.Int:
		return v.Int, true
	case literal.Str:
		text := v.Str
		for text != "" {
			part := timePart.FindStringSubmatch(text)
			if part == nil {
				return 0, false
			}
			n, _ := strconv.ParseInt(part[1], 10, 64) // nine digits
			seconds += n * unitSeconds[part[2]]
			text = text[len(part[0]):]
		}
		return seconds, v.Str != ""
	}
	return 0, false
}

// fillable refuses a parameter that no payload can fill: it must be given, and
// is of a type that has no form in JSON. What only running the code can tell is
// left to the build, which runs it.
func (r *resolver) fillable(u discover.Use) {
	for _, p := range u.Parameters {
		if p.Default != nil || p.Annotation == nil || p.Kind == "var_positional" || p.Kind == "var_keyword" {
			continue
		}
		if unfillable.MatchString(*p.Annotation) {
			r.fault("FN1356", u.At, fmt.Sprintf("%q needs the argument %q, and no task can carry a value of type %s", u.Function, p.Name, *p.Annotation),
				"give the parameter a default, or a type that data has, such as str or dict")
		}
	}
}
