package local

import (
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/dependencies"
	"fngen.dev/fngen/pkg/cli/exit"
)

// foundFunction is a function as compile --json shows it.
type foundFunction struct {
	Name       string         `json:"name"`
	Power      ir.Power       `json:"power"`
	File       string         `json:"file"`
	Line       int            `json:"line"`
	Options    any            `json:"options"`
	Parameters []ir.Parameter `json:"parameters"`
}

// writeFound prints what was found, with the faults beside it; faults still fail.
func writeFound(a *command.App, name string, p *ir.Project, list diag.List) error {
	doc := struct {
		Project      string           `json:"project"`
		Python       string           `json:"python"`
		Servers      []ir.Server      `json:"servers"`
		Functions    []foundFunction  `json:"functions"`
		Env          []ir.EnvName     `json:"env"`
		Dependencies api.Dependencies `json:"dependencies"`
		Diagnostics  diag.List        `json:"diagnostics"`
	}{Project: name, Servers: []ir.Server{}, Functions: []foundFunction{}, Env: []ir.EnvName{}, Dependencies: dependencies.Compiled(ir.Dependencies{}), Diagnostics: command.OrEmpty(list)}
	if p != nil {
		doc.Python, doc.Servers, doc.Env = p.Python, command.OrEmpty(p.Servers), command.OrEmpty(p.Env)
		doc.Dependencies = dependencies.Compiled(p.Dependencies)
		for _, f := range p.Functions {
			doc.Functions = append(doc.Functions, foundFunction{f.Name, f.Power, f.File, f.Line, optionsOf(f), command.OrEmpty(f.Parameters)})
		}
	}
	if err := a.WriteJSON(doc); err != nil || !list.HasErrors() {
		return err
	}
	return &exit.Reported{Err: exit.Refused(list, "")}
}

// optionsOf is what the decorator and fngen.yml set, defaults filled in.
func optionsOf(f ir.Function) any {
	switch {
	case f.WebApp != nil:
		return webAppOptions(f.WebApp)
	case f.TaskWorker != nil:
		return taskWorkerOptions(f.TaskWorker)
	}
	return struct{}{}
}

func webAppOptions(w *ir.WebApp) any {
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	var processes any = "auto"
	if w.Processes > 0 {
		processes = w.Processes
	}
	var threads *int
	if w.Threads > 0 {
		threads = &w.Threads
	}
	return struct {
		Framework string  `json:"framework"`
		Compute   string  `json:"compute"`
		Health    *string `json:"health"`
		Domain    *string `json:"domain"`
		Release   *string `json:"release"`
		Processes any     `json:"processes"`
		Threads   *int    `json:"threads"`
	}{w.Framework, w.Compute, orNull(w.Health), orNull(w.Domain), orNull(w.Release), processes, threads}
}

func taskWorkerOptions(w *ir.TaskWorker) any {
	return struct {
		Compute     string `json:"compute"`
		Concurrency int    `json:"concurrency"`
		Timeout     string `json:"timeout"`
		Retries     int    `json:"retries"`
	}{w.Compute, w.Concurrency, w.Timeout.String(), w.Retries}
}
