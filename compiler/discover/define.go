package discover

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/python"
)

// define takes a def line without its colon; def stands at toks[i].
func (s *scanner) define(toks []python.Token, i int) {
	name := toks[i+1]
	params := s.parameters(toks, i+2)
	if s.seen != nil {
		s.note("def", toks[0], s.name(name)+signature(params))
	}
	decorators := s.decorators
	s.decorators = nil
	s.makes(name, params, len(decorators) == 0 && i == 0)
	if len(decorators) == 0 {
		s.bare(name, params, i == 1)
	}
	s.opened.names = s.shadowed(params)
	s.bind(s.name(name), "")
	if s.atModuleLevel() {
		if !slices.ContainsFunc(decorators, func(d decorator) bool { return d.power != "" }) {
			s.rebound(s.name(name), name)
		}
		s.notConstant(s.name(name), name)
	}
	s.use(decorators, toks[0], name, params)
}

func signature(params []ir.Parameter) string {
	var b strings.Builder
	for _, p := range params {
		fmt.Fprintf(&b, " %s:%s", p.Name, p.Kind)
		if p.Annotation != nil {
			b.WriteString(":a")
		}
		if p.Default != nil {
			b.WriteString(":d")
		}
	}
	return b.String()
}

// shadowed are the parameters that hide a name of fngen's inside the function.
func (s *scanner) shadowed(params []ir.Parameter) map[string]string {
	var names map[string]string
	for _, p := range params {
		if _, known := s.lookup(p.Name); known {
			if names == nil {
				names = map[string]string{}
			}
			names[p.Name] = ""
		}
	}
	return names
}

// use turns the Powers among the decorators of a function into uses.
func (s *scanner) use(decorators []decorator, def, name python.Token, params []ir.Parameter) {
	first := -1
	for _, d := range decorators {
		if d.power == "" {
			continue
		}
		if scope := s.inScope(); scope != "" {
			s.misplaced(d, s.name(name), scope)
			continue
		}
		if s.inMain() {
			s.report("FN1212", d.place, fmt.Sprintf("%q exists only when the file is run as a program, and the platform imports it", s.name(name)),
				"move the function out of the block of __main__")
		}
		if first >= 0 {
			s.twice(s.out.Uses[first], d)
			continue
		}
		first = len(s.out.Uses)
		s.out.Uses = append(s.out.Uses, Use{
			Power: d.power, Place: d.place, At: s.placeOf(name), Args: d.args,
			Function: s.name(name), Line: int(def.Line), Parameters: params,
			Gives: slices.ContainsFunc(decorators, func(d decorator) bool { return d.power == "" }),
		})
	}
	if first >= 0 {
		s.opened.docs = []int{first}
		s.docFor = s.opened.docs // for a body on the same line
	}
}

func (s *scanner) misplaced(d decorator, name, scope string) {
	where, why := "inside a function", "it does not exist before that function is called"
	if scope == "class" {
		where, why = "a method of a class", "it cannot be called without an object"
	}
	s.report("FN1212", d.place, fmt.Sprintf("%q is %s: %s", name, where, why), "move the function to the top level of the module")
}

func (s *scanner) twice(first Use, d decorator) {
	s.out.Diagnostics.Add(diag.Diagnostic{
		Code: "FN1213", Message: fmt.Sprintf("%q has two Powers, @%s and @%s", first.Function, first.Power, d.power),
		File: d.place.File, Line: d.place.Line, Column: d.place.Column, Width: d.place.Width,
		Notes: []diag.Note{{Message: "the first is here", File: first.Place.File, Line: first.Place.Line, Column: first.Place.Column}},
		Help:  "give each Power a function of its own",
	})
}

func (s *scanner) defineClass(toks []python.Token) {
	s.note("class", toks[0], s.name(toks[1]))
	for _, d := range s.decorators {
		if d.power != "" {
			s.report("FN1212", d.place, fmt.Sprintf("%q is a class: a Power belongs on a function", s.name(toks[1])), "write a function that makes the object")
		}
	}
	s.decorators = nil
	s.bind(s.name(toks[1]), "")
	if s.atModuleLevel() {
		s.notConstant(s.name(toks[1]), toks[1])
		s.rebound(s.name(toks[1]), toks[1])
	}
}

// rebound reports a name that had a Power and now stands for something else: it
// is the last one that would run. A second function with a Power is left to
// package resolve, which knows all files.
func (s *scanner) rebound(name string, at python.Token) {
	for _, u := range s.out.Uses {
		if u.Function == name && u.At.Line != int(at.Line) {
			s.out.Diagnostics.Add(diag.Diagnostic{
				Code: "FN1215", Message: fmt.Sprintf("%q has a Power, and its name is taken by something else here", name),
				File: s.out.File, Line: s.placeOf(at).Line, Column: s.placeOf(at).Column, Width: len(name),
				Notes: []diag.Note{{Message: "the function with the Power is here", File: u.At.File, Line: u.At.Line, Column: u.At.Column}},
				Help:  "give one of them another name",
			})
		}
	}
}

// docstring keeps the first line of the text that opens a function.
func (s *scanner) docstring(toks []python.Token) {
	uses := s.docFor
	s.docFor = nil
	if len(uses) == 0 {
		return
	}
	v, refused := s.stringLiteral(s.unwrap(toks))
	if refused != nil {
		return
	}
	for _, i := range uses {
		s.out.Uses[i].Doc = firstLine(v.Str)
	}
}

const maxDoc = 200

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(line))
	if len(line) > maxDoc {
		line = strings.ToValidUTF8(line[:maxDoc], "") + "..."
	}
	return line
}
