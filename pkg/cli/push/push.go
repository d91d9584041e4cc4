// Package push is fngen push: a tree read, compiled, uploaded and followed until it is live.
package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/change"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/plan"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

type pushOptions struct {
	Project string
	Path    string
	// Plan is the file of a plan that is to be carried out.
	Plan string
	// Create is whether to create the project unasked.
	Create bool
	// Rebuild installs the dependencies anew.
	Rebuild bool
}

// NewCmd is fngen push.
func NewCmd(a *command.App) *cobra.Command {
	o := pushOptions{}
	cmd := &cobra.Command{
		Use:   "push [PROJECT] [PATH]",
		Short: "Put code online",
		Long: `Put the code at PATH online as PROJECT, and print the URLs.

PATH is a directory or one .py file; the default is this directory. PROJECT is,
when it is left out, the project of fngen.yml, else the one of the last push from
there, else it is named after the file or directory. A single argument that exists
as a file or directory is PATH.

A project that you do not have is created, after a question at a terminal, or
without one by --create.

Every fault that fngen can see in the code is shown at once and nothing is sent.
The old version serves until the new one answers: a push that fails changes
nothing.

--plan FILE does what a plan that was kept says ("fngen plan --json > FILE"), or
nothing: it is refused when the code or what runs is not what was planned. Keep
FILE outside PATH, or it is code itself.

Dependencies are installed once for the files that name them. --rebuild installs
them again: a branch of a repository, or a range of versions, may be another one
by now.`,
		Example: "  fngen push my_website.py\n  fngen push my-website my_website.py\n  fngen push my-website ~/code/website\n  fngen push\n  fngen push --plan ../plan.json",
		Args:    command.MaxArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Project, o.Path, err = target.SplitArgs(args); err != nil {
				return err
			}
			return runPush(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.Plan, "plan", "", "carry out the plan in `FILE`, made by \"fngen plan --json\", or nothing")
	cmd.Flags().BoolVar(&o.Create, "create", false, "create the project if you do not have it")
	cmd.Flags().BoolVar(&o.Rebuild, "rebuild", false, "install the dependencies again, though their files did not change")
	cmd.MarkFlagsMutuallyExclusive("plan", "rebuild")
	return cmd
}

// push is one push as it goes on.
type push struct {
	*command.App
	client   *api.Client
	progress *term.Progress
	path     string
	project  string
	create   bool

	rebuild bool
	scanned *source.Scanned
	// digest is the tree's; empty until all files are read.
	digest string
	state  *pushState
	// askAll has an upload ask for what is missing, and believe no base.
	askAll   bool
	planned  *api.Plan // nil for whatever the code means now
	warnings diag.List

	started  time.Time
	timings  change.Timings
	uploaded int64
}

func runPush(ctx context.Context, a *command.App, o pushOptions) error {
	client, err := a.Client()
	if err != nil {
		return err
	}
	p := &push{App: a, client: client, project: o.Project, path: o.Path, create: o.Create, rebuild: o.Rebuild, started: time.Now(), progress: a.IO.NewProgress()}
	defer p.progress.Stop(false)
	if o.Plan != "" {
		if p.planned, err = plan.Read(o.Plan); err != nil {
			return err
		}
		if p.project == "" {
			p.project = p.planned.Project
		}
	}
	if err := p.scan(ctx); err != nil {
		return err
	}
	if err := p.checkPlanned(); err != nil {
		return err
	}
	result, err := p.pushTree(ctx)
	if target.IsMissing(err, p.project) {
		result, err = p.pushToNew(ctx, err)
	}
	if err != nil {
		return err
	}
	p.progress.Stop(true)
	if err := target.RememberProject(p.scanned.Root, p.project); err != nil {
		a.Warnf("%v", err)
	}
	return p.report(result)
}

// pushTree makes the tree live. When the platform had the very tree the last
// time, asking for it is all there is to do: the platform compiles in any case,
// and tells what is wrong. Not so of a file that cannot ship, which is in no tree.
func (p *push) pushTree(ctx context.Context) (*api.PushResult, error) {
	if p.digest != "" && p.state.Tree == p.digest && !p.scanned.Diagnostics.HasErrors() {
		p.warnings = p.scanned.Diagnostics
		result, err := p.follow(ctx)
		if !isLost(err) {
			return result, err
		}
		p.state.forget()
	}
	if err := p.compile(ctx); err != nil {
		return nil, err
	}
	for again := 0; ; again++ {
		if err := p.upload(ctx); err != nil {
			return nil, err
		}
		result, err := p.follow(ctx)
		if !isLost(err) || again == mostAgain {
			return result, err
		}
		p.lost()
	}
}

// mostAgain is how often a tree is sent again of which the platform has lost
// something: each time it may find more.
const mostAgain = 3

// isLost reports whether the platform does not have all of the tree.
func isLost(err error) bool {
	problem, ok := errors.AsType[*api.Problem](err)
	return ok && problem.Code == api.TreeMissing
}

// lost has the next upload ask for everything that the platform lacks, whatever was
// there once.
func (p *push) lost() {
	p.progress.Line("fngen", "the platform does not have all of this code any more: sending what is missing")
	p.state.forget()
	p.askAll = true
}

func (p *push) scan(ctx context.Context) (err error) {
	p.progress.Begin("scan", "reading files")
	o := target.Indexed(p.Cache)
	if p.planned == nil { // a plan names its tree
		o.Later = api.LargeBytes + 1
	}
	if p.scanned, err = target.Scan(ctx, p.path, o); err != nil {
		return err
	}
	if p.scanned.Whole() {
		p.digest = p.scanned.Digest()
	}
	var from string
	if p.project, from, err = target.ProjectOf(p.project, p.scanned); err != nil {
		return err
	}
	if from != "" {
		p.progress.Line("fngen", fmt.Sprintf("the project is %s, %s", p.project, from))
	}
	p.state = loadPushState(p.Cache, p.client.Address(), p.project, p.scanned)
	p.timings.Scan = time.Since(p.started).Milliseconds()
	return nil
}

// compile finds the faults before anything is sent. What the platform said of
// itself the last time is good enough, unless it makes a fault.
func (p *push) compile(ctx context.Context) error {
	platform, remembered := p.state.Platform, p.state.Platform != nil
	var list diag.List
	for {
		if !remembered {
			now, err := p.client.Platform(ctx)
			if err != nil {
				return err
			}
			platform = &now
		}
		list = p.compileFor(ctx, platform)
		if !remembered || !list.HasErrors() {
			break
		}
		remembered = false
	}
	if list.HasErrors() {
		return exit.Refused(list, "; nothing was sent")
	}
	if p.project == "" {
		return target.NoName(p.path) // only now: a fngen.yml with a fault may name it
	}
	p.state.Platform, p.warnings = platform, list
	return nil
}

func (p *push) compileFor(ctx context.Context, platform *api.Platform) diag.List {
	_, list := compiler.Compile(ctx, compiler.Input{
		Tree: p.scanned.Tree, Project: cmp.Or(p.project, target.Unnamed), Entry: p.scanned.Entry,
		Target: target.Of(*platform),
	})
	return append(slices.Clip(p.scanned.Diagnostics), list...).Sorted()
}
