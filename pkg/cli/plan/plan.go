// Package plan is fngen plan: what a push would do, for a person, a review and a program.
package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

type planOptions struct {
	Project, Path string
	Out, Show     string
	Markdown      bool
	ExitCode      bool
}

// NewCmd is fngen plan.
func NewCmd(a *command.App) *cobra.Command {
	o := planOptions{}
	cmd := &cobra.Command{
		Use:   "plan [PROJECT] [PATH]",
		Short: "Show what a push would do",
		Long: `Show what a push of the code at PATH would do, down to what Nomad would start,
replace and stop, and whether there is room for it. Nothing is uploaded and nothing
is changed. PROJECT and PATH are those of push.

A push makes the jobs that are shown, from the same code by the same steps.

--out DIR writes each job as plain HCL, which "nomad job run" takes. --show FILE
shows a plan that --json has printed before, and asks nobody.`,
		Example: "  fngen plan\n  fngen plan --markdown my-website . | gh pr comment --body-file -\n  fngen plan --detailed-exitcode && echo nothing to do",
		Args:    command.MaxArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Project, o.Path, err = target.SplitArgs(args); err != nil {
				return err
			}
			return runPlan(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.Out, "out", "", "write one .nomad.hcl for each job into `DIR`")
	cmd.Flags().StringVar(&o.Show, "show", "", "show the plan in `FILE`, which --json has printed")
	cmd.Flags().BoolVar(&o.Markdown, "markdown", false, "print Markdown, for a comment on a review")
	cmd.Flags().BoolVar(&o.ExitCode, "detailed-exitcode", false, "exit with 2 when there are changes, 0 when there are none")
	return cmd
}

func runPlan(ctx context.Context, a *command.App, o planOptions) error {
	plan, err := getPlan(ctx, a, o)
	if err != nil {
		return err
	}
	if o.Out != "" {
		if err := writePlannedJobs(o.Out, plan.Jobs); err != nil {
			return err
		}
	}
	if err := showPlan(a, plan, o.Markdown); err != nil {
		return err
	}
	if o.ExitCode && plan.Changed {
		return exit.ErrChanges
	}
	return nil
}

// getPlan is a new plan, or the one that was kept.
func getPlan(ctx context.Context, a *command.App, o planOptions) (api.Plan, error) {
	if o.Show != "" {
		plan, err := Read(o.Show)
		if err != nil {
			return api.Plan{}, err
		}
		return *plan, nil
	}
	client, err := a.Client()
	if err != nil {
		return api.Plan{}, err
	}
	return askPlan(ctx, a, client, o)
}

// askPlan compiles the tree as a push would, and asks the platform.
func askPlan(ctx context.Context, a *command.App, client *api.Client, o planOptions) (api.Plan, error) {
	var platform api.Platform
	var scanned *source.Scanned
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		platform, err = client.Platform(gctx)
		return err
	})
	g.Go(func() (err error) {
		scanned, err = target.Scan(gctx, o.Path, target.Indexed(a.Cache))
		return err
	})
	if err := g.Wait(); err != nil {
		return api.Plan{}, err
	}
	name, _, err := target.ProjectOf(o.Project, scanned)
	if err != nil {
		return api.Plan{}, err
	}
	project, list := compiler.Compile(ctx, compiler.Input{
		Tree: scanned.Tree, Project: cmp.Or(name, target.Unnamed), Entry: scanned.Entry, Target: target.Of(platform),
	})
	list = append(scanned.Diagnostics, list...).Sorted()
	if list.HasErrors() {
		return api.Plan{}, exit.Refused(list, "")
	}
	if name == "" {
		return api.Plan{}, target.NoName(o.Path)
	}
	plan, err := client.Plan(ctx, name, planRequest(scanned.Manifest, project))
	if err != nil {
		if problem, ok := errors.AsType[*api.Problem](err); ok && target.IsMissing(err, name) {
			err = problem.WithHelp("create it first: fngen create %s\nor push, which creates it: fngen push %s %s --create", name, name, o.Path)
		}
		return plan, err
	}
	plan.Warnings = MergeWarnings(list, plan.Warnings)
	return plan, nil
}

// planRequest is what the platform needs to know of a tree: what it means, and the
// entries of the files that dependencies are read from, which are few. Packages may be
// built from all files of a tree; for these the project has one digest.
func planRequest(m source.Manifest, project *ir.Project) api.PlanRequest {
	out := api.PlanRequest{Tree: m.Digest(), Project: *project, Requirements: []source.File{}}
	for _, f := range m.Files {
		if slices.Contains(project.Dependencies.Files, f.Path) {
			out.Requirements = append(out.Requirements, f)
		}
	}
	return out
}

func showPlan(a *command.App, plan api.Plan, markdown bool) error {
	if a.JSON {
		return a.WriteJSON(plan)
	}
	_ = diag.Render(a.IO.Err, plan.Warnings, a.IO.Colour)
	text := planText(plan)
	if markdown {
		text = planMarkdown(plan)
	}
	_, err := fmt.Fprint(a.IO.Out, term.EscapeLines(text))
	return err
}

// writePlannedJobs writes the jobs that a push would leave running.
func writePlannedJobs(dir string, jobs []api.PlannedJob) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write jobs: %w", err)
	}
	for _, job := range jobs {
		if job.HCL == "" {
			continue
		}
		// A job's id is a kind, a hyphen and the name of a function of Python.
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(job.ID)+".nomad.hcl"), []byte(job.HCL), 0o644); err != nil {
			return fmt.Errorf("write jobs: %w", err)
		}
	}
	return nil
}
