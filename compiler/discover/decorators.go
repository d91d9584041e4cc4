package discover

import (
	"fmt"

	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// decorator is one line with "@", waiting for its function. power is empty when
// it is not fngen's.
type decorator struct {
	at    python.Token
	power string
	place literal.Place
	args  []Arg
}

func (s *scanner) decoratorLine(toks []python.Token) {
	s.opened = nil
	s.blocks[len(s.blocks)-1].kw = python.CodeNone
	if len(toks) == 1 {
		s.tokenFault("FN1204", toks[0], "invalid syntax: '@' needs a decorator")
		return
	}
	if !s.neighbours(toks[1:]) || !s.complete(toks) {
		return
	}
	expr := s.unwrap(toks[1:])
	dotted, rest := s.callee(expr)
	if len(rest) > 0 && !s.is(rest[0], "(") && !s.is(rest[0], "[") && !s.is(rest[0], ".") {
		dotted = "" // a name inside a larger expression, such as "@a or b"
	}
	s.note("decorator", toks[1], dotted)
	d := decorator{at: toks[0], power: s.power(dotted, expr[0])}
	if d.power == "" {
		s.calls(expr)
	} else {
		last := expr[len(expr)-len(rest)-1]
		d.place = s.placeOf(toks[0])
		d.place.Width = int(last.End - toks[0].Start)
		if last.Line != toks[0].Line {
			d.place.Width = 1
		}
		d.args = s.callArgs(rest)
	}
	s.decorators = append(s.decorators, d)
}

// callee reads the dotted name that an expression begins with, which may stand
// in brackets of its own.
func (s *scanner) callee(expr []python.Token) (string, []python.Token) {
	end := -1
	if s.is(expr[0], "(") {
		end = python.Closing(expr, 0)
	}
	if end < 0 {
		return s.dotted(expr)
	}
	dotted, more := s.dotted(s.unwrap(expr[:end+1]))
	rest := expr[end+1:]
	if dotted == "" || len(more) > 0 {
		return "", expr
	}
	for len(rest) > 1 && s.is(rest[0], ".") && rest[1].Kind == python.Name && rest[1].Keyword == 0 {
		dotted += "." + s.name(rest[1])
		rest = rest[2:]
	}
	return dotted, rest
}

// unwrap removes brackets around a whole expression.
func (s *scanner) unwrap(toks []python.Token) []python.Token {
	for len(toks) > 2 && s.is(toks[0], "(") && python.Closing(toks, 0) == len(toks)-1 {
		toks = toks[1 : len(toks)-1]
	}
	return toks
}

// callArgs reads the arguments of "(...)"; there are none without a call.
func (s *scanner) callArgs(toks []python.Token) []Arg {
	if len(toks) == 0 {
		return nil
	}
	if !s.is(toks[0], "(") || python.Closing(toks, 0) != len(toks)-1 {
		s.report("FN1214", s.placeOf(toks[0]), "a Power is used as @name or @name(...), with nothing after it", "write the decorator alone on its line")
		return []Arg{{Name: "**"}}
	}
	var args []Arg
	for _, part := range s.commas(toks[1 : len(toks)-1]) {
		if len(part) == 0 {
			continue // reported as syntax
		}
		args = append(args, s.arg(part))
	}
	return args
}

func (s *scanner) arg(toks []python.Token) Arg {
	first := toks[0]
	a := Arg{Place: s.placeOf(first)}
	if s.is(first, "*") || s.is(first, "**") {
		a.Name = string(s.text(first))
		s.report("FN1214", a.Place, "the arguments of a Power must be written out", "name each option: the file is read, not run")
		return a
	}
	if len(toks) > 2 && first.Kind == python.Name && s.is(toks[1], "=") {
		a.Name, toks = s.name(first), toks[2:]
	}
	v, refused := s.literal(toks)
	v.Place = s.span(toks)
	if refused != nil {
		v.Kind = literal.Bad
		s.reportWith("FN1214", v.Place, refused.why, constantHelp, refused.notes)
	}
	a.Value = v
	return a
}

const constantHelp = "write a constant, or the name of a constant of this tree: the file is read, not run"

// span is the place of several tokens, as far as their first line goes.
func (s *scanner) span(toks []python.Token) literal.Place {
	end := toks[0].End
	for _, t := range toks[1:] {
		if t.Line == toks[0].Line {
			end = t.End
		}
	}
	return s.place(int(toks[0].Start), int(end-toks[0].Start))
}

// noFunction reports decorators that no function follows; t is the statement
// that stands there instead, the zero token at the end of the file.
func (s *scanner) noFunction(t python.Token) {
	if len(s.decorators) == 0 {
		return
	}
	at, msg := s.decorators[0].at, "the file ends after a decorator"
	s.decorators = nil
	if t.End > 0 {
		at, msg = t, fmt.Sprintf("expected a function or class after the decorator, not %q", s.text(t))
	}
	s.tokenFault("FN1204", at, msg)
}
