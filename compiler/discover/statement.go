package discover

import "fmt"

// logicalLine checks one logical line and takes from it what matters.
func (s *scanner) logicalLine(toks []token) {
	if s.plain(toks) {
		return
	}
	if toks[0].code == opAt {
		s.lx.relaxed(toks)
		s.decoratorLine(toks)
		return
	}
	i := 0
	if toks[0].code == kwAsync && len(toks) > 1 && toks[1].keyword&isCompound != 0 {
		i = 1
	}
	kw := toks[i].code
	if kw != kwDef && kw != kwClass {
		s.noFunction(toks[0])
	}
	if toks[i].keyword&isCompound == 0 && !s.isSoftBlock(toks) {
		s.yields(toks, s.body())
		s.gives(toks, s.body(), s.blocks[len(s.blocks)-1].scope == "def")
		ok := s.chain(codeNone, toks[0]) && s.simple(toks)
		if !ok {
			// A line like "elseif x:" may have been meant to open a block.
			s.lenient()
		}
		return
	}
	s.lx.newSyntax(toks, i)
	if !s.chain(kw, toks[0]) || !s.compound(toks, i) {
		s.decorators = nil
		s.lenient()
		s.opened.scope = scopeOf(kw)
	}
}

// plain takes a simple statement that the lexer found in order and that binds no
// name of interest: most lines of most files. It is false when the line needs
// more than this one look.
func (s *scanner) plain(toks []token) bool {
	shape, first := &s.lx.shape, &toks[0]
	switch {
	case s.thorough || shape.clashes || shape.semicolon || shape.colon >= 0 || !plainStart[first.code] || incomplete(toks[len(toks)-1].lexeme):
		return false
	case s.curious() || shape.assigns && !s.quiet() || len(s.docFor) > 0 || len(s.decorators) > 0:
		return false
	}
	b := &s.blocks[len(s.blocks)-1]
	if b.kw == kwTry {
		return false
	}
	b.kw, b.prev = codeNone, *first
	return true
}

// plainStart are the first tokens of statements that neither open a block nor
// bind a name but by "=".
var plainStart = func() (out [anyCode]bool) {
	for c := codeName; c < codes; c++ {
		x := lexemes[c]
		out[c] = canStart(x) && x.keyword&isCompound == 0
	}
	for _, c := range []code{kwAsync, kwDel, kwFrom, kwImport, softLazy, opAt} {
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

func scopeOf(kw code) string {
	if kw == kwDef || kw == kwClass {
		return words[kw]
	}
	return ""
}

// isSoftBlock tells "match x:" and "case x:" from uses of match and case as
// names.
func (s *scanner) isSoftBlock(toks []token) bool {
	if len(toks) < 3 || toks[0].code != softMatch && toks[0].code != softCase || s.colon(toks[1:]) < 0 {
		return false
	}
	switch toks[1].class {
	case clOperand, clString, clOpen, clTilde, clEllipsis:
		return true
	}
	switch toks[1].code {
	case opStar, opMinus, opPlus, kwNot, kwLambda, kwAwait:
		return true
	}
	return false
}

// colon finds the colon that ends a header: outside brackets, and not that of a
// lambda.
func (s *scanner) colon(toks []token) int {
	depth, lambdas := 0, 0
	for i, t := range toks {
		switch t.class {
		case clOpen:
			depth++
		case clClose:
			depth--
		case clKeyword:
			if depth == 0 && t.code == kwLambda {
				lambdas++
			}
		case clColon:
			if depth == 0 && lambdas == 0 {
				return i
			} else if depth == 0 {
				lambdas--
			}
		}
	}
	return -1
}

// compound takes the line of a compound statement whose keyword stands at i.
func (s *scanner) compound(toks []token, i int) bool {
	kw := toks[i].code
	end := int(s.lx.shape.colon)
	if end < 0 {
		if !s.neighbours(s.condition(toks, i)) {
			return false
		}
		last := toks[len(toks)-1]
		return s.syntax("FN1204", int(last.end), 1, fmt.Sprintf("expected ':' after '%s'", words[kw]))
	}
	head, suite := toks[i:end], toks[end+1:]
	if !s.neighbours(s.condition(toks[:end+1], i)) || !s.headerShape(head, toks[end], kw) {
		return false
	}
	s.enter(toks[:end], i, kw)
	if kw != kwDef && kw != kwClass {
		s.yields(head, s.body())
	}
	if len(suite) == 0 {
		return true
	}
	if uses := s.opened.docs; kw == kwDef {
		s.yields(suite, uses)
		s.gives(suite, uses, true)
	} else {
		s.yields(suite, s.body())
		s.gives(suite, s.body(), false)
	}
	s.opened = nil
	if suite[0].keyword&isCompound != 0 {
		return s.tokenFault("FN1204", suite[0], fmt.Sprintf("invalid syntax: '%s' needs a line of its own here", s.text(suite[0])))
	}
	return s.simple(suite)
}

// condition is the part of a header whose neighbours are checked: match and case
// would look like names before a name, and "else:" like an if without an end.
func (s *scanner) condition(toks []token, i int) []token {
	if toks[i].keyword == 0 || toks[i].code == kwElse {
		return toks[i+1:]
	}
	return toks[i:]
}

// headerShape checks what each keyword wants between itself and the colon.
func (s *scanner) headerShape(head []token, colon token, kw code) bool {
	switch kw {
	case kwElse, kwTry, kwFinally:
		if len(head) > 1 {
			return s.tokenFault("FN1204", head[1], fmt.Sprintf("expected ':' after '%s'", words[kw]))
		}
		return true
	case kwExcept:
		return true
	}
	if len(head) < 2 {
		return s.tokenFault("FN1204", colon, "invalid syntax")
	}
	switch kw {
	case kwDef, kwClass:
		return s.defShape(head, colon, kw)
	case kwIf, kwElif, kwWhile:
		return !s.lx.shape.assigns || s.noAssignment(head)
	case kwFor:
		for _, t := range head {
			if t.code == kwIn {
				return true
			}
		}
		return s.tokenFault("FN1204", colon, "invalid syntax: a for statement needs 'in'")
	}
	return true
}

func (s *scanner) defShape(head []token, colon token, kw code) bool {
	if head[1].kind != tokName || head[1].keyword != 0 {
		return s.tokenFault("FN1204", head[1], fmt.Sprintf("invalid syntax: expected a name after '%s'", words[kw]))
	}
	next := colon
	if len(head) > 2 {
		next = head[2]
	}
	if next.code == opParen || next.code == opBracket || kw == kwClass && next.code == opColon {
		return true
	}
	return s.tokenFault("FN1204", next, "expected '('")
}

// noAssignment refuses "if x = 5:".
func (s *scanner) noAssignment(head []token) bool {
	depth, lambdas := 0, 0
	for _, t := range head {
		switch c := t.class; {
		case c == clOpen:
			depth++
		case c == clClose:
			depth--
		case depth > 0:
		case t.code == kwLambda:
			lambdas++
		case c == clColon:
			lambdas--
		case lambdas == 0 && t.code == opAssign:
			return s.tokenFault("FN1204", t, "invalid syntax: maybe you meant '==' or ':=' instead of '='?")
		}
	}
	return true
}

// enter notes what a header binds and opens its block.
func (s *scanner) enter(toks []token, i int, kw code) {
	s.open(opened{at: toks[0], kw: kw, scope: scopeOf(kw)})
	if s.quiet() && !s.thorough && !s.lx.shape.clashes {
		if kw == kwDef || kw == kwClass {
			s.decorators = nil
		}
		return
	}
	switch kw {
	case kwDef:
		s.define(toks, i)
	case kwClass:
		s.defineClass(toks[i:])
	default:
		s.opened.main = kw == kwIf && s.isMain(toks)
		s.bindHeader(toks[i:], words[kw])
	}
}

// simple takes simple statements with semicolons between them.
func (s *scanner) simple(toks []token) bool {
	if !s.lx.shape.semicolon && len(toks) > 0 {
		return s.simpleStatement(toks)
	}
	for start, depth, i := 0, 0, 0; i <= len(toks); i++ {
		atEnd := i == len(toks)
		if !atEnd {
			switch toks[i].class {
			case clOpen:
				depth++
			case clClose:
				depth--
			}
		}
		if !atEnd && (depth > 0 || toks[i].code != opSemicolon) {
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

func (s *scanner) simpleStatement(toks []token) bool {
	if k := toks[0].keyword; k&isCompound != 0 {
		return s.tokenFault("FN1204", toks[0], fmt.Sprintf("invalid syntax: %q cannot stand here", s.text(toks[0])))
	}
	if len(toks) > 2 && toks[0].code == softType && toks[1].kind == tokName && toks[1].keyword == 0 {
		s.lx.tokenSince(12, toks[0], "a type statement")
		s.lx.typeParameters(toks[1:])
		return s.neighbours(toks[1:]) && s.complete(toks)
	}
	s.lazily = len(toks) > 1 && toks[0].code == softLazy && (toks[1].code == kwImport || toks[1].code == kwFrom)
	if s.lazily {
		s.lx.tokenSince(15, toks[0], "a lazy import")
		toks = toks[1:]
	}
	switch toks[0].code {
	case kwImport:
		return s.neighbours(toks) && s.complete(toks) && s.importLine(toks)
	case kwFrom:
		return s.fromLine(toks)
	}
	if !s.neighbours(toks) || !s.complete(toks) {
		return false
	}
	if s.lx.shape.colon >= 0 && !s.annotation(toks) {
		return false
	}
	s.docstring(toks)
	if s.lx.shape.assigns || toks[0].code == kwDel || s.curious() {
		s.assignment(toks)
	}
	return true
}

// annotation refuses a colon outside brackets that annotates nothing, as in
// "x = a : b".
func (s *scanner) annotation(toks []token) bool {
	i := s.colon(toks)
	if i < 0 {
		return true
	}
	depth := 0
	for n, t := range toks[:i] {
		switch t.class {
		case clOpen:
			depth++
		case clClose:
			depth--
		}
		if n == 0 && t.class == clKeyword || depth == 0 && t.code >= opAssign {
			return s.tokenFault("FN1204", toks[i], "invalid syntax")
		}
	}
	return true
}
