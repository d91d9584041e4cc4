package plan

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/pkg/api"
)

// planMarkdown writes a plan as a comment on a review: the sentence, a table of
// the functions, and the details folded.
func planMarkdown(p api.Plan) string {
	w := &planWriter{}
	w.line("### fngen plan: `%s`\n\n%s", code(p.Project), planSummary(p))
	if p.Changed {
		w.line("\n| | function | Power | where | changes |\n|---|---|---|---|---|")
		for _, f := range p.Functions {
			w.line("| %s | `%s` | `@%s` | `%s:%d` | %s |", sign(f.Action), code(f.Name), code(f.Power), cell(f.File), f.Line, prose(strings.Join(f.Changes, ", ")))
		}
		w.toCollect(p.Static)
		w.commandsToRun(p.Commands)
		w.unplaced(p.Jobs)
		w.changedRoutes(p.Routes)
	}
	w.missing(p.Env)
	w.line("\n%s", costSentence(p.Cost))
	for _, j := range p.Jobs {
		if j.Diff != "" {
			fence := fenceFor(j.Diff)
			w.line("\n<details><summary><code>%s</code>: %s</summary>\n\n%sdiff\n%s%s\n\n</details>", html(j.ID), html(jobSentence(j)), fence, j.Diff, fence)
		}
	}
	return w.String()
}

func (w *planWriter) commandsToRun(commands []api.PlannedCommand) {
	for _, c := range commands {
		w.line("\n▶️ Before the rollout, once: `%s` (`%s`)", code(c.Command), code(c.Function))
	}
}

func (w *planWriter) toCollect(static []api.PlannedStatic) {
	for _, s := range static {
		if s.Action == api.Create {
			w.line("\n%s The static files of `%s` will be collected", sign(s.Action), code(s.Settings))
		}
	}
}

func (w *planWriter) unplaced(jobs []api.PlannedJob) {
	for _, j := range jobs {
		for _, reason := range j.Placement.Reasons {
			w.line("\n:warning: `%s` has no room: %s", code(j.ID), prose(reason))
		}
	}
}

func (w *planWriter) changedRoutes(routes []api.PlannedRoute) {
	for _, r := range routes {
		switch r.Action {
		case api.Create:
			w.line("\n%s %s will answer: `%s`", sign(r.Action), prose(r.URL), code(r.Function))
		case api.Remove:
			w.line("\n%s %s will not answer any more", sign(r.Action), prose(r.URL))
		case api.Move:
			w.line("\n%s %s moves from `%s` to `%s`", sign(r.Action), prose(r.URL), code(r.From), code(r.Function))
		}
	}
}

func (w *planWriter) missing(e api.PlannedEnv) {
	if len(e.Missing) == 0 {
		return
	}
	w.line("\n:warning: The code reads environment variables that the project does not have:\n")
	for _, m := range e.Missing {
		w.line("- `%s` (`%s:%d`)", code(m.Name), code(m.File), m.Line)
	}
}

// sign is the mark of an action; Markdown eats a lone + or - at a line's start.
func sign(a api.Action) string {
	return map[api.Action]string{api.Create: "➕", api.Update: "✏️", api.Move: "✏️", api.Remove: "➖", api.Stop: "➖"}[a]
}

// code keeps a text inside backticks, cell inside those of a table, prose from
// meaning anything, html from being a tag.
func code(s string) string { return strings.ReplaceAll(s, "`", "'") }
func cell(s string) string { return strings.ReplaceAll(code(s), "|", "\\|") }
func html(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
func prose(s string) string {
	return strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "<", "&lt;", "|", "\\|", "@", "&#64;").Replace(s)
}

// fenceFor is a fence that the text does not close.
func fenceFor(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fmt.Sprint(fence)
}
