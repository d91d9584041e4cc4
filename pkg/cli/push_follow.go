package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

// pushDocument is what push --json prints.
type pushDocument struct {
	Project   string               `json:"project"`
	Release   int                  `json:"release"`
	Changed   bool                 `json:"changed"`
	Functions []api.FunctionResult `json:"functions"`
	Uploaded  int64                `json:"uploaded_bytes"`
	Timings   timings              `json:"timings_ms"`
	// Dependencies are where the packages come from.
	Dependencies api.Dependencies `json:"dependencies"`
	Diagnostics  diag.List        `json:"diagnostics"`
}

// follow asks for the push and shows its events until it is live or failed.
func (p *push) follow(ctx context.Context) (*api.PushResult, error) {
	req := api.PushRequest{Tree: p.digest, Entry: p.scanned.Entry, Rebuild: p.rebuild}
	if p.planned != nil {
		req.Plan = p.planned.Seal
	}
	stream, err := p.client.Push(ctx, p.project, req)
	if err != nil {
		return nil, err
	}
	return p.followChange(ctx, p.progress, p.project, stream, p.outcome)
}

// report prints the result.
func (p *push) report(r *api.PushResult) error {
	p.timings.Layer, p.timings.Rollout = r.LayerMS, r.RolloutMS
	total := time.Since(p.started)
	p.timings.Total = total.Milliseconds()
	warnings := mergeWarnings(p.warnings, r.Diagnostics)
	if p.json {
		return p.writeJSON(pushDocument{
			Project: r.Project, Release: r.Release, Changed: r.Changed, Functions: orEmpty(r.Functions),
			Uploaded: p.uploaded, Timings: p.timings, Dependencies: r.Dependencies, Diagnostics: warnings,
		})
	}
	_ = diag.Render(p.IO.Err, warnings, p.IO.Colour)
	if line := dependenciesLine(r.Dependencies); line != "" {
		p.sayf("%s", line)
	}
	done := fmt.Sprintf("Release %d of %s is live", r.Release, r.Project)
	if !r.Changed {
		done = fmt.Sprintf("Nothing changed: release %d of %s is live", r.Release, r.Project)
	}
	p.sayf("%s %s", p.IO.Paint(term.Bold, done), p.IO.Paint(term.Dim, fmt.Sprintf("(%.1fs)", total.Seconds())))
	return p.writeURLs(r)
}

// mergeWarnings drops what both sides said: the platform compiles again.
func mergeWarnings(local, remote diag.List) diag.List {
	out := diag.List{}
	for _, d := range slices.Concat(local, remote).Sorted() {
		same := func(e diag.Diagnostic) bool {
			return e.Code == d.Code && e.File == d.File && e.Line == d.Line && e.Message == d.Message
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, d)
		}
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
