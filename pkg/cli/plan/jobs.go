package plan

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/pkg/api"
)

func (w *planWriter) jobs(jobs []api.PlannedJob) {
	w.heading("Nomad jobs, in this order")
	waves := 0
	for _, j := range jobs {
		waves = max(waves, j.Wave)
	}
	for i, j := range jobs {
		if waves > 1 && j.Wave > 0 && (i == 0 || jobs[i-1].Wave != j.Wave) {
			w.line("  %s", waveBegins(jobs[i:]))
		}
		w.line("  %s %s: %s", mark[j.Action], j.ID, jobSentence(j))
		for _, reason := range j.Placement.Reasons {
			w.line("      no room: %s", reason)
		}
		if j.Action == api.Update {
			for _, change := range changedLines(j.Diff) {
				w.line("      %s", change)
			}
		}
		for _, d := range j.Drift {
			w.line("      differs from release: %s", d)
		}
	}
}

// waveBegins says when the first of the jobs rolls, and those of its wave with it.
func waveBegins(jobs []api.PlannedJob) string {
	when := "first"
	if jobs[0].Wave > 1 {
		when = "then, when there is room"
	}
	if len(jobs) > 1 && jobs[1].Wave == jobs[0].Wave {
		return when + ", together:"
	}
	return when + ":"
}

// jobSentence says what Nomad would do on each server.
func jobSentence(j api.PlannedJob) string {
	if j.Action == api.Stop || j.Action == api.None {
		return map[api.Action]string{api.Stop: "stop", api.None: "nothing to do"}[j.Action]
	}
	var groups []string
	for _, g := range j.Groups {
		var parts []string
		for _, c := range []struct {
			n    uint64
			what string
		}{{g.Start, "start"}, {g.Replace, "replace"}, {g.InPlace, "update in place"}, {g.Stop, "stop"}, {g.Keep, "keep"}} {
			if c.n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", c.what, c.n))
			}
		}
		if len(parts) > 0 {
			sentence := fmt.Sprintf("%s on server %s", strings.Join(parts, ", "), g.Server)
			if slices.Contains(j.Placement.OneByOne, g.Server) {
				sentence += ", one by one: old and new do not fit side by side"
			}
			groups = append(groups, sentence)
		}
	}
	if len(groups) == 0 {
		return string(j.Action)
	}
	return strings.Join(groups, "; ")
}

// changedLines are the lines of a unified diff that come or go, without the
// white space in front.
func changedLines(diff string) []string {
	var out []string
	for line := range strings.Lines(diff) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "+++") || line == "" || line[0] != '-' && line[0] != '+' {
			continue
		}
		if text := strings.TrimSpace(line[1:]); text != "" {
			out = append(out, line[:1]+" "+text)
		}
	}
	return out
}
