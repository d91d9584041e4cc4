package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/imports"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Variables lists the names of a project's variables: when and by whom each was set,
// and where the live code reads it. It asks the store alone.
func (s *Service) Variables(ctx context.Context, p store.Project) (api.Variables, error) {
	out := api.Variables{Project: p.Name, Variables: []api.Variable{}, Missing: []api.EnvUse{}}
	c := s.quiet(p)
	err := c.readLive(ctx)
	if err != nil {
		return out, err
	}
	if out.Version, err = s.store.CurrentVariables(ctx, p.ID); err != nil {
		return out, err
	}
	names, err := c.variables().Known(ctx, out.Version)
	if err != nil {
		return out, err
	}
	reads := map[string][]api.VariableRead{}
	if c.liveRelease != nil {
		out.Live = c.liveRelease.EnvVersion
		out.Missing = unsetOf(c.LiveIR.Env, names)
		reads = c.reads(ctx)
	}
	for _, n := range names {
		v := api.Variable{Name: n.Name, Version: n.Version, SetAt: n.At, SetBy: n.By, Reads: reads[n.Name]}
		if v.Reads == nil {
			v.Reads = []api.VariableRead{}
		}
		out.Variables = append(out.Variables, v)
	}
	return out, nil
}

// reads are the places of the live code that use a variable, by its name, with the
// functions whose files import theirs. When the tree cannot be read, a function is only
// known to have its own file.
func (c *change) reads(ctx context.Context) map[string][]api.VariableRead {
	files := map[string][]string{} // of each function
	err := c.openTree(ctx, c.liveRelease.Tree)
	if err != nil {
		c.log.Warn("read the imports of live code", slog.String("project", c.project.Name), slog.Any("error", err))
	} else {
		defer func() { _ = c.closeTree() }() // it was only read
	}
	for _, f := range c.LiveIR.Functions {
		files[f.Name] = []string{f.File}
		if err == nil {
			files[f.Name] = imports.Reached(imports.Input{Tree: c.tree, Python: c.LiveIR.Python, Files: []string{f.File}})
		}
	}
	out := map[string][]api.VariableRead{}
	for _, name := range c.LiveIR.Env {
		for _, place := range name.Places {
			read := api.VariableRead{File: place.File, Line: place.Line, Functions: []string{}}
			for _, f := range c.LiveIR.Functions {
				if slices.Contains(files[f.Name], place.File) {
					read.Functions = append(read.Functions, f.Name)
				}
			}
			out[name.Name] = append(out[name.Name], read)
		}
	}
	return out
}

// missing lists the variables without which the code fails and which the release has
// not.
func (c *change) missing(ctx context.Context) ([]api.EnvUse, error) {
	names, err := c.variables().Known(ctx, c.release.Env)
	return unsetOf(c.IR.Env, names), err
}

func unsetOf(needed []ir.EnvName, has []store.Variable) []api.EnvUse {
	out := []api.EnvUse{}
	for _, n := range needed {
		is := func(v store.Variable) bool { return v.Name == n.Name }
		if n.Required && len(n.Places) > 0 && !slices.ContainsFunc(has, is) {
			out = append(out, api.EnvUse{Name: n.Name, File: n.Places[0].File, Line: n.Places[0].Line, Column: n.Places[0].Column})
		}
	}
	return out
}

// unset are the variables that the pushed code needs and has not. A push goes on without
// them: the code may set them itself, in ways that nobody sees who does not run it.
func (p *push) unset(ctx context.Context) []api.EnvUse {
	if p.IR == nil {
		return nil
	}
	missing, err := p.missing(ctx)
	if err != nil {
		p.log.Warn("compare the code with its variables", slog.String("project", p.project.Name), slog.Any("error", err))
	}
	return missing
}

// withUnset has the failure of code that was run name every variable that it needs and
// has not: the code has ended at the first of them.
func (p *push) withUnset(ctx context.Context, err error) error {
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Code != api.Failed {
		return err
	}
	rest := untold(p.unset(ctx), problem.Diagnostics)
	problem.Diagnostics = append(slices.Clip(problem.Diagnostics), unsetWarnings(rest, p.project.Name)...)
	return err
}

// untold leaves out what a failure is about: a KeyError of the name at its very place.
func untold(missing []api.EnvUse, failures diag.List) []api.EnvUse {
	return slices.DeleteFunc(missing, func(m api.EnvUse) bool {
		return slices.ContainsFunc(failures, func(d diag.Diagnostic) bool {
			return d.File == m.File && d.Line == m.Line && strings.Contains(d.Message, "'"+m.Name+"'")
		})
	})
}

func unsetWarnings(missing []api.EnvUse, project string) diag.List {
	var out diag.List
	for _, m := range missing {
		out.Add(diag.Diagnostic{
			Code: "FN3010", Severity: diag.Warning, File: m.File, Line: m.Line, Column: m.Column, Width: len(m.Name) + 2,
			Message: fmt.Sprintf("the code needs the environment variable %s here, and project %q has none of that name", m.Name, project),
			Help:    fmt.Sprintf("set it: fngen set_env %s %s", project, m.Name),
		})
	}
	return out
}
