package discover

import (
	"fmt"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/python"
)

// calls reports a Power that is called, or handed to partial, outside a
// decorator: what comes of it is known only when the file runs.
func (s *scanner) calls(toks []python.Token) {
	if !s.ours && s.modules == nil || s.shallow {
		return
	}
	for i, t := range toks {
		if t.Kind != python.Name || t.Keyword != 0 || i > 0 && s.is(toks[i-1], ".") {
			continue
		}
		if _, known := s.lookup(s.name(t)); !known {
			continue
		}
		dotted, rest := s.dotted(toks[i:])
		if len(rest) == 0 || !s.is(rest[0], "(") && !s.isPartial(toks[:i]) {
			continue
		}
		if power, ok := strings.CutPrefix(s.fngenPath(dotted), powersModule+"."); ok && slices.Contains(powers, power) {
			s.called(t, toks[len(toks)-len(rest)-1], power)
			return
		}
	}
}

// isPartial reports whether toks end in the call of functools.partial.
func (s *scanner) isPartial(toks []python.Token) bool {
	n := len(toks)
	return n > 1 && s.is(toks[n-1], "(") && s.is(toks[n-2], "partial")
}

func (s *scanner) called(first, last python.Token, power string) {
	if isTest(s.out.File) {
		return
	}
	d := diag.Diagnostic{
		Code: "FN1230", Message: fmt.Sprintf("%q is called here, and a Power marks a function only as a decorator: the file is read, not run", power),
		Help: "write `@" + power + "(...)` above each function that it is for",
	}
	at := s.placeOf(first)
	d.File, d.Line, d.Column, d.Width = at.File, at.Line, at.Column, int(last.End-first.Start)
	if last.Line != first.Line {
		d.Width = at.Width
	}
	if !s.atModuleLevel() || s.inMain() {
		d.Severity = diag.Warning
	}
	s.out.Diagnostics.Add(d)
}
