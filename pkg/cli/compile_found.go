package cli

import (
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
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
func (a *app) writeFound(name string, p *ir.Project, list diag.List) error {
	doc := struct {
		Project     string          `json:"project"`
		Python      string          `json:"python"`
		Servers     []ir.Server     `json:"servers"`
		Functions   []foundFunction `json:"functions"`
		Env         []ir.EnvName    `json:"env"`
		Diagnostics diag.List       `json:"diagnostics"`
	}{Project: name, Servers: []ir.Server{}, Functions: []foundFunction{}, Env: []ir.EnvName{}, Diagnostics: orEmpty(list)}
	if p != nil {
		doc.Python, doc.Servers, doc.Env = p.Python, orEmpty(p.Servers), orEmpty(p.Env)
		for _, f := range p.Functions {
			doc.Functions = append(doc.Functions, foundFunction{f.Name, f.Power, f.File, f.Line, optionsOf(f), orEmpty(f.Parameters)})
		}
	}
	if err := a.writeJSON(doc); err != nil || !list.HasErrors() {
		return err
	}
	return &reported{refused(list, "")}
}

// optionsOf is what the decorator and fngen.yml set, defaults filled in.
func optionsOf(f ir.Function) any {
	if f.WebApp == nil {
		return struct{}{}
	}
	var domain *string
	if f.WebApp.Domain != "" {
		domain = &f.WebApp.Domain
	}
	return struct {
		Framework string  `json:"framework"`
		Compute   string  `json:"compute"`
		Health    string  `json:"health"`
		Domain    *string `json:"domain"`
	}{f.WebApp.Framework, f.WebApp.Compute, f.WebApp.Health, domain}
}
