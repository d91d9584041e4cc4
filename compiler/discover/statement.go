package discover

import (
	"fmt"

	"fngen.dev/fngen/compiler/python"
)

// logicalLine checks one logical line and takes from it what matters.
func (s *scanner) logicalLine(toks []python.Token) {
	if s.plain(toks) {
		return
	}
	if toks[0].Code == python.OpAt {
		s.lx.Relaxed(toks)
		s.decoratorLine(toks)
		return
	}
	i := 0
	if toks[0].Code == python.KwAsync && len(toks) > 1 && toks[1].Keyword&python.IsCompound != 0 {
		i = 1
	}
	kw := toks[i].Code
	if kw != python.KwDef && kw != python.KwClass {
		s.noFunction(toks[0])
	}
	if toks[i].Keyword&python.IsCompound == 0 && !s.lx.SoftBlock(toks) {
		s.yields(toks, s.body())
		s.gives(toks, s.body(), s.blocks[len(s.blocks)-1].scope == "def")
		ok := s.chain(python.CodeNone, toks[0]) && s.simple(toks)
		if !ok {
			// A line like "elseif x:" may have been meant to open a block.
			s.lenient()
		}
		return
	}
	s.lx.NewSyntax(toks, i)
	if !s.chain(kw, toks[0]) || !s.compound(toks, i) {
		s.decorators = nil
		s.lenient()
		s.opened.scope = scopeOf(kw)
	}
}

// plain takes a simple statement that the lexer found in order and that binds no
// name of interest: most lines of most files. It is false when the line needs
// more than this one look.
func (s *scanner) plain(toks []python.Token) bool {
	shape, first := &s.lx.Shape, &toks[0]
	switch {
	case s.thorough || shape.Clashes || shape.Semicolon || shape.Colon >= 0 || !plainStart[first.Code] || python.Incomplete(toks[len(toks)-1].Lexeme):
		return false
	case s.curious() || shape.Assigns && !s.quiet() || len(s.docFor) > 0 || len(s.decorators) > 0:
		return false
	}
	b := &s.blocks[len(s.blocks)-1]
	if b.kw == python.KwTry {
		return false
	}
	b.kw, b.prev = python.CodeNone, *first
	return true
}

// plainStart are the first tokens of statements that neither open a block nor
// bind a name but by "=".
var plainStart = func() (out [python.AnyCode]bool) {
	for c := python.CodeName; c < python.Codes; c++ {
		x := python.Lexemes[c]
		out[c] = python.CanStart(x) && x.Keyword&python.IsCompound == 0
	}
	for _, c := range []python.Code{python.KwAsync, python.KwDel, python.KwFrom, python.KwImport, python.SoftLazy, python.OpAt} {
		out[c] = false
	}
	return out
}()

// quiet reports whether no binding can matter here: inside a function or class,
// in a file in which no name has stood for anything of fngen's.
func (s *scanner) quiet() bool { return !s.bound && !s.curious() && s.inScope() != "" }

// curious reports whether every line of the file is looked at: for what it does
// with a Power, for names that other files ask for, for environment variables.
func (s *scanner) curious() bool { return s.ours || s.all || s.reads || s.apps }

func scopeOf(kw python.Code) string {
	if kw == python.KwDef || kw == python.KwClass {
		return python.Words[kw]
	}
	return ""
}

// simple takes simple statements with semicolons between them.
func (s *scanner) simple(toks []python.Token) bool {
	if !s.lx.Shape.Semicolon && len(toks) > 0 {
		return s.simpleStatement(toks)
	}
	for start, depth, i := 0, 0, 0; i <= len(toks); i++ {
		atEnd := i == len(toks)
		if !atEnd {
			switch toks[i].Class {
			case python.ClassOpen:
				depth++
			case python.ClassClose:
				depth--
			}
		}
		if !atEnd && (depth > 0 || toks[i].Code != python.OpSemicolon) {
			continue
		}
		part := toks[start:i]
		if len(part) == 0 {
			if atEnd && start > 0 {
				return true
			}
			return s.tokenFault("FN1204", toks[i], "invalid syntax")
		}
		if !s.simpleStatement(part) {
			return false
		}
		start = i + 1
		if start == len(toks) {
			return true
		}
	}
	return true
}

func (s *scanner) simpleStatement(toks []python.Token) bool {
	if k := toks[0].Keyword; k&python.IsCompound != 0 {
		return s.tokenFault("FN1204", toks[0], fmt.Sprintf("invalid syntax: %q cannot stand here", s.text(toks[0])))
	}
	if len(toks) > 2 && toks[0].Code == python.SoftType && toks[1].Kind == python.Name && toks[1].Keyword == 0 {
		s.lx.TokenSince(12, toks[0], "a type statement")
		s.lx.TypeParameters(toks[1:])
		return s.neighbours(toks[1:]) && s.complete(toks)
	}
	s.lazily = len(toks) > 1 && toks[0].Code == python.SoftLazy && (toks[1].Code == python.KwImport || toks[1].Code == python.KwFrom)
	if s.lazily {
		s.lx.TokenSince(15, toks[0], "a lazy import")
		toks = toks[1:]
	}
	switch toks[0].Code {
	case python.KwImport:
		return s.neighbours(toks) && s.complete(toks) && s.importLine(toks)
	case python.KwFrom:
		return s.fromLine(toks)
	}
	if !s.neighbours(toks) || !s.complete(toks) {
		return false
	}
	if s.lx.Shape.Colon >= 0 && !s.accepts(python.Annotation(toks)) {
		return false
	}
	s.docstring(toks)
	if s.lx.Shape.Assigns || toks[0].Code == python.KwDel || s.curious() {
		s.assignment(toks)
	}
	return true
}

// compound takes the line of a compound statement whose keyword stands at i.
func (s *scanner) compound(toks []python.Token, i int) bool {
	kw := toks[i].Code
	end := int(s.lx.Shape.Colon)
	if end < 0 {
		if !s.neighbours(s.condition(toks, i)) {
			return false
		}
		last := toks[len(toks)-1]
		return s.syntax("FN1204", int(last.End), 1, fmt.Sprintf("expected ':' after '%s'", python.Words[kw]))
	}
	head, suite := toks[i:end], toks[end+1:]
	if !s.neighbours(s.condition(toks[:end+1], i)) || !s.accepts(s.lx.Header(head, toks[end], kw)) {
		return false
	}
	s.enter(toks[:end], i, kw)
	if kw != python.KwDef && kw != python.KwClass {
		s.yields(head, s.body())
	}
	if len(suite) == 0 {
		return true
	}
	if uses := s.opened.docs; kw == python.KwDef {
		s.yields(suite, uses)
		s.gives(suite, uses, true)
	} else {
		s.yields(suite, s.body())
		s.gives(suite, s.body(), false)
	}
	s.opened = nil
	if suite[0].Keyword&python.IsCompound != 0 {
		return s.tokenFault("FN1204", suite[0], fmt.Sprintf("invalid syntax: '%s' needs a line of its own here", s.text(suite[0])))
	}
	return s.simple(suite)
}

// condition is the part of a header whose neighbours are checked: match and case
// would look like names before a name, and "else:" like an if without an end.
func (s *scanner) condition(toks []python.Token, i int) []python.Token {
	if toks[i].Keyword == 0 || toks[i].Code == python.KwElse {
		return toks[i+1:]
	}
	return toks[i:]
}

// enter notes what a header binds and opens its block.
func (s *scanner) enter(toks []python.Token, i int, kw python.Code) {
	s.open(opened{at: toks[0], kw: kw, scope: scopeOf(kw)})
	if s.quiet() && !s.thorough && !s.lx.Shape.Clashes {
		if kw == python.KwDef || kw == python.KwClass {
			s.decorators = nil
		}
		return
	}
	switch kw {
	case python.KwDef:
		s.define(toks, i)
	case python.KwClass:
		s.defineClass(toks[i:])
	default:
		s.opened.main = kw == python.KwIf && s.isMain(toks)
		s.bindHeader(toks[i:], python.Words[kw])
	}
}
