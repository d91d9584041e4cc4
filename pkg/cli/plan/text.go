package plan

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/dependencies"
	"fngen.dev/fngen/pkg/term"
)

// mark is the sign of an action, as diffs have it.
var mark = map[api.Action]string{
	api.Create: "+", api.Update: "~", api.Move: "~", api.Remove: "-", api.Stop: "-", api.None: " ",
}

// planText writes a plan for a person: what goes away first, then what comes.
func planText(p api.Plan) string {
	w := &planWriter{}
	w.summary(p)
	if p.Changed {
		w.functions(p.Functions)
		w.commands(p.Commands)
		w.jobs(p.Jobs)
		w.routes(p.Routes)
		w.queues(p.Queues)
		w.dependencies(p.Dependencies)
		w.static(p.Static)
	}
	w.env(p.Env)
	w.servers(p.Servers, p.Cost)
	return w.String()
}

type planWriter struct{ strings.Builder }

func (w *planWriter) line(format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}

func (w *planWriter) heading(text string) { w.line("\n%s", text) }

func (w *planWriter) summary(p api.Plan) {
	w.line("%s", planSummary(p))
}

// planSummary is the plan in one sentence.
func planSummary(p api.Plan) string {
	if !p.Changed {
		return fmt.Sprintf("Nothing to do: release %d of %s is what this code means, and runs.", p.Live, p.Project)
	}
	counts := map[api.Action]int{}
	for _, j := range p.Jobs {
		counts[j.Action]++
	}
	var parts []string
	for _, c := range []struct {
		action api.Action
		word   string
	}{{api.Stop, "stop"}, {api.Create, "start"}, {api.Update, "update"}, {api.None, "leave alone"}} {
		if n := counts[c.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", c.word, term.Count(n, "function", "functions")))
		}
	}
	from := "nothing is live"
	if p.Live > 0 {
		from = fmt.Sprintf("release %d is live", p.Live)
	}
	return fmt.Sprintf("Release %d of %s would %s; %s.", p.Release, p.Project, strings.Join(parts, ", "), from)
}

func (w *planWriter) functions(functions []api.PlannedFunction) {
	w.heading("Functions")
	rows := [][]string{}
	for _, f := range functions {
		power := "@" + f.Power
		if f.Processes != "" {
			power += ", processes " + f.Processes
		}
		rows = append(rows, []string{mark[f.Action] + " " + f.Name + f.Signature, power, fmt.Sprintf("%s:%d", f.File, f.Line), strings.Join(f.Changes, ", ")})
	}
	w.table(rows)
}

func (w *planWriter) table(rows [][]string) {
	for _, line := range term.Align(rows) {
		w.line("  %s", line)
	}
}

func (w *planWriter) commands(commands []api.PlannedCommand) {
	if len(commands) == 0 {
		return
	}
	w.heading("Before the rollout, once")
	rows := [][]string{}
	for _, c := range commands {
		rows = append(rows, []string{"> " + c.Command, c.Function})
	}
	w.table(rows)
}

func (w *planWriter) routes(routes []api.PlannedRoute) {
	if len(routes) == 0 {
		return
	}
	w.heading("Addresses")
	rows := [][]string{}
	for _, r := range routes {
		what := r.Function
		if r.From != "" {
			what = r.From + " -> " + r.Function
		}
		rows = append(rows, []string{mark[r.Action] + " " + r.URL, what})
	}
	w.table(rows)
}

func (w *planWriter) queues(queues []api.PlannedQueue) {
	if len(queues) == 0 {
		return
	}
	w.heading("Task queues")
	for _, q := range queues {
		w.line("  %s %s%s", mark[q.Action], q.Name, inQueue(q))
	}
}

// inQueue says what is in a queue, and what becomes of it.
func inQueue(q api.PlannedQueue) string {
	switch {
	case q.Parked:
		return ": parked with " + term.Count(q.Messages, "task", "tasks") + " in it, until they are done or the function is back"
	case q.Messages > 0:
		return ": " + term.Count(q.Messages, "task", "tasks") + " in it"
	}
	return ""
}

func (w *planWriter) dependencies(d api.PlannedDependencies) {
	from := strings.Join(append(append([]string{}, d.Files...), d.Provided...), ", ")
	if from == "" {
		return
	}
	w.heading("Dependencies")
	switch d.Action {
	case api.Create:
		w.line("  + %s: to be installed", from)
	case api.Update:
		w.line("  ~ %s: installed by an earlier push", from)
	default:
		w.line("    %s: as they are", from)
	}
	if len(d.Unread) > 0 {
		w.line("    not read: %s", strings.Join(d.Unread, ", "))
	}
	for _, g := range d.Git {
		w.line("    %s", dependencies.Git(g))
	}
}

func (w *planWriter) static(static []api.PlannedStatic) {
	if len(static) == 0 {
		return
	}
	w.heading("Static files")
	for _, s := range static {
		w.line("  %s %s: %s", mark[s.Action], s.Settings, map[api.Action]string{
			api.Create: "to be collected", api.Update: "collected by an earlier push", api.None: "as they are",
		}[s.Action])
	}
}

func (w *planWriter) env(e api.PlannedEnv) {
	if len(e.Missing) == 0 {
		return
	}
	w.heading("Environment variables that the code reads and the project does not have")
	for _, m := range e.Missing {
		w.line("  ! %s  %s:%d", m.Name, m.File, m.Line)
	}
}

func (w *planWriter) servers(servers []api.PlannedServer, cost api.PlannedCost) {
	w.heading("Servers")
	rows := [][]string{}
	for _, s := range servers {
		rows = append(rows, []string{
			mark[s.Action] + " " + s.Name, fmt.Sprintf("%d x %s", s.Count, s.Size), s.Region,
			fmt.Sprintf("%d of up to %s", s.Functions, term.Count(s.Room, "function", "functions")), fmt.Sprintf("$%.2f a month", s.USDMonth),
		})
	}
	w.table(rows)
	w.line("  %s", costSentence(cost))
}

func costSentence(c api.PlannedCost) string {
	if c.Before == c.After {
		return fmt.Sprintf("Together $%.2f a month, as before.", c.After)
	}
	return fmt.Sprintf("Together $%.2f a month; before $%.2f.", c.After, c.Before)
}
