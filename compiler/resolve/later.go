package resolve

import "fngen.dev/fngen/compiler/discover"

// The Powers that the SDK has and this platform does not run yet. Each is refused
// by its own code, so that a person sees which is missing.

func (r *resolver) taskWorker(u discover.Use) {
	r.notYet("FN1313", u, "@task_worker")
}

func (r *resolver) scheduledTask(u discover.Use) {
	r.notYet("FN1314", u, "@scheduled_task")
}

func (r *resolver) webForm(u discover.Use) {
	r.notYet("FN1315", u, "@web_form")
}

func (r *resolver) notYet(code string, u discover.Use, power string) {
	r.fault(code, u.Place, power+" is not available yet on this platform", "remove the decorator for now; the platform runs @webapp")
}
