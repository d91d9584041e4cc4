package resolve

import (
	"maps"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/ir"
)

// power is how the uses of one Power are judged.
type power struct {
	// absent is the code that says that the platform lacks it: one for each, so
	// that a person sees which is missing.
	absent string
	// resolve is nil as long as no platform has it.
	resolve func(*resolver, *ir.Function, discover.Use)
}

// powers are those that the SDK has.
var powers = map[string]power{
	"webapp":         {"FN1357", (*resolver).webapp},
	"task_worker":    {"FN1313", (*resolver).taskWorker},
	"scheduled_task": {"FN1314", nil},
	"web_form":       {"FN1315", nil},
}

// Powers lists the Powers that can be compiled, sorted.
func Powers() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(powers)) {
		if powers[name].resolve != nil {
			out = append(out, name)
		}
	}
	return out
}

// available reports whether both this compiler and the platform have a Power,
// and says so when not.
func (r *resolver) available(u discover.Use) bool {
	if powers[u.Power].resolve != nil && slices.Contains(r.in.Powers, u.Power) {
		return true
	}
	var have []string
	for _, name := range Powers() {
		if slices.Contains(r.in.Powers, name) {
			have = append(have, "@"+name)
		}
	}
	what, help := "@"+u.Power+" is not available yet on this platform", "remove the decorator for now"
	if u.Power == "task_worker" {
		what, help = "@task_worker needs a broker, which this platform does not have", "tell the operator, or remove the decorator"
	}
	r.fault(powers[u.Power].absent, u.Place, what, help+"; the platform runs "+strings.Join(have, " and "))
	return false
}

// runs refuses a function that returns before its body has run.
func (r *resolver) runs(u discover.Use) {
	if u.Generator {
		r.fault("FN1352", u.At, "the body of \""+u.Function+"\" has a yield, so that calling it makes a generator and runs none of it",
			"return what you mean to give, or yield in a function that this one calls")
	}
}
