// Package local is the commands that need no account and no network: init, compile, files,
// schema.
package local

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/dependencies"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
)

type compileOptions struct {
	Path    string
	Project string
	Format  string
	Job     string
}

// NewCmdCompile is fngen compile.
func NewCmdCompile(a *command.App) *cobra.Command {
	o := compileOptions{Path: "."}
	cmd := &cobra.Command{
		Use:   "compile [PATH] [flags]",
		Short: "Print the Nomad jobs that the code becomes",
		Long: `Compile the code at PATH and print the Nomad jobs that a push would run, without
an account and without a network. PATH is a directory or one .py file.

The jobs are HCL, each below a comment with its id. --format json prints what
"nomad job run -json" takes: one job as an object, several as an array of such
objects; --job ID prints one of several. --json prints what was found in the code
instead.

What only a platform knows has a stand-in: release 1, the user id, its regions
and domain.`,
		Example: "  fngen compile my_website.py\n  fngen compile --format json --job web-live_app | nomad job run -json -",
		Args:    command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Path = args[0]
			}
			return runCompile(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.Project, "project", "", "compile as project `NAME`; default: as push")
	cmd.Flags().StringVar(&o.Format, "format", "hcl", "`FORMAT` of the jobs: hcl or json")
	cmd.Flags().StringVar(&o.Job, "job", "", "print only the job `ID`")
	return cmd
}

func runCompile(ctx context.Context, a *command.App, o compileOptions) error {
	if o.Format != "hcl" && o.Format != "json" {
		return &exit.Usage{Message: fmt.Sprintf("unknown format %q", o.Format), Help: "formats: hcl, json"}
	}
	scanned, err := target.Scan(ctx, o.Path, target.Indexed(a.Cache))
	if err != nil {
		return err
	}
	name, err := compileName(o, scanned)
	if err != nil {
		return err
	}
	project, list := compiler.Compile(ctx, compiler.Input{Tree: scanned.Tree, Project: name, Entry: scanned.Entry, Target: target.Offline()})
	list = append(scanned.Diagnostics, list...).Sorted()
	if a.JSON {
		return writeFound(a, name, project, list)
	}
	if list.HasErrors() {
		return exit.Refused(list, "")
	}
	_ = diag.Render(a.IO.Err, list, a.IO.Colour)
	if line := dependencies.Line(dependencies.Compiled(project.Dependencies)); line != "" {
		a.Sayf("%s", line)
	}
	lowered, err := lowerOffline(project, scanned)
	if err != nil {
		return err
	}
	if lowered, err = selectJob(lowered, o.Job); err != nil {
		return err
	}
	return writeJobs(a, lowered, o.Format)
}

// compileName says what to compile as: a name is always found.
func compileName(o compileOptions, scanned *source.Scanned) (string, error) {
	if o.Project != "" {
		return o.Project, target.CheckProject(o.Project)
	}
	name, _, err := target.ProjectOf("", scanned)
	return cmp.Or(name, target.Unnamed), err
}

// lowerOffline makes the jobs of a first release.
func lowerOffline(p *ir.Project, scanned *source.Scanned) ([]*nomad.Job, error) {
	cluster := jobs.DefaultCluster()
	release := jobs.Release{Number: 1, Tree: scanned.Digest(), UID: offlineUID}
	if !p.Dependencies.Empty() {
		release.Layer = jobs.LayerKey(p, scanned.Manifest, cluster)
	}
	return jobs.Lower(p, release, cluster)
}

// offlineUID stands for the user that the platform gives each project.
const offlineUID = 700000

func selectJob(all []*nomad.Job, id string) ([]*nomad.Job, error) {
	if id == "" {
		return all, nil
	}
	var ids []string
	for _, job := range all {
		if *job.ID == id {
			return []*nomad.Job{job}, nil
		}
		ids = append(ids, *job.ID)
	}
	return nil, &exit.Usage{Message: fmt.Sprintf("no job %q", id), Help: "jobs: " + strings.Join(ids, ", ")}
}

func writeJobs(a *command.App, all []*nomad.Job, format string) error {
	var out bytes.Buffer
	write := writeHCL
	if format == "json" {
		write = writeJobJSON
	}
	if err := write(&out, all); err != nil {
		return err
	}
	_, err := out.WriteTo(a.IO.Out)
	return err
}

func writeHCL(out *bytes.Buffer, all []*nomad.Job) error {
	for i, job := range all {
		text, err := jobs.HCL(job)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteByte('\n')
		}
		fmt.Fprintf(out, "# %s\n%s", *job.ID, text)
	}
	return nil
}

type jobDocument struct {
	Job *nomad.Job `json:"Job"`
}

func writeJobJSON(out *bytes.Buffer, all []*nomad.Job) error {
	docs := make([]jobDocument, len(all))
	for i, job := range all {
		docs[i] = jobDocument{job}
	}
	if len(docs) == 1 {
		return command.EncodeJSON(out, docs[0])
	}
	return command.EncodeJSON(out, docs)
}
