package push

import (
	"context"
	"fmt"
	"time"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/change"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/dependencies"
	"fngen.dev/fngen/pkg/cli/plan"
	"fngen.dev/fngen/pkg/term"
)

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
	return change.Follow(ctx, p.App, p.client, p.progress, p.project, stream, p.outcome)
}

// report prints the result.
func (p *push) report(r *api.PushResult) error {
	p.timings.Layer, p.timings.Rollout = r.LayerMS, r.RolloutMS
	total := time.Since(p.started)
	p.timings.Total = total.Milliseconds()
	warnings := plan.MergeWarnings(p.warnings, r.Diagnostics)
	if p.JSON {
		return p.WriteJSON(change.Document{
			Project: r.Project, Release: r.Release, Changed: r.Changed, Functions: command.OrEmpty(r.Functions),
			Uploaded: p.uploaded, Timings: p.timings, Dependencies: r.Dependencies, Diagnostics: warnings,
		})
	}
	_ = diag.Render(p.IO.Err, warnings, p.IO.Colour)
	if line := dependencies.Line(r.Dependencies); line != "" {
		p.Sayf("%s", line)
	}
	done := fmt.Sprintf("Release %d of %s is live", r.Release, r.Project)
	if !r.Changed {
		done = fmt.Sprintf("Nothing changed: release %d of %s is live", r.Release, r.Project)
	}
	p.Sayf("%s %s", p.IO.Paint(term.Bold, done), p.IO.Paint(term.Dim, fmt.Sprintf("(%.1fs)", total.Seconds())))
	return change.WriteURLs(p.App, r)
}
