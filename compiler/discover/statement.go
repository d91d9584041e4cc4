package discover

import "fmt"

// logicalLine checks one logical line and takes from it what matters.
func (s *scanner) logicalLine(toks []token) {
	if s.is(toks[0], "@") {
		s.decoratorLine(toks)
		return
	}
	i := 0
	if s.is(toks[0], "async") && len(toks) > 1 && toks[1].keyword&isCompound != 0 {
		i = 1
	}
	if !s.is(toks[i], "def") && !s.is(toks[i], "class") {
		s.noFunction(toks[0])
	}
	if toks[i].keyword&isCompound == 0 && !s.isSoftBlock(toks) {
		s.yields(toks, s.body())
		ok := s.chain("", toks[0]) && s.simple(toks)
		if !ok {
			// A line like "elseif x:" may have been meant to open a block.
			s.lenient()
		}
		return
	}
	kw := string(s.text(toks[i]))
	s.newSyntax(toks, i)
	if !s.chain(kw, toks[0]) || !s.header(toks, i, kw) {
		s.decorators = nil
		s.lenient()
		s.opened.scope = scopeOf(kw)
	}
}

func scopeOf(kw string) string {
	if kw == "def" || kw == "class" {
		return kw
	}
	return ""
}

// isSoftBlock tells "match x:" and "case x:" from uses of match and case as
// names.
func (s *scanner) isSoftBlock(toks []token) bool {
	if len(toks) < 3 || !s.is(toks[0], "match") && !s.is(toks[0], "case") || s.colon(toks[1:]) < 0 {
		return false
	}
	switch toks[1].class {
	case clOperand, clString, clOpen, clTilde, clEllipsis:
		return true
	case clStar:
		return s.is(toks[1], "*")
	case clStrict:
		return s.is(toks[1], "-")
	case clKeyword:
		return s.is(toks[1], "not") || s.is(toks[1], "lambda") || s.is(toks[1], "await")
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
			if depth == 0 && s.is(t, "lambda") {
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

// header takes the line of a compound statement whose keyword stands at i.
func (s *scanner) header(toks []token, i int, kw string) bool {
	end := s.colon(toks[i+1:])
	if end < 0 {
		if !s.neighbours(s.condition(toks, i)) {
			return false
		}
		last := toks[len(toks)-1]
		return s.syntax("FN1204", int(last.end), 1, fmt.Sprintf("expected ':' after '%s'", kw))
	}
	end += i + 1
	head, suite := toks[i:end], toks[end+1:]
	if !s.neighbours(s.condition(toks[:end+1], i)) || !s.headerShape(head, toks[end], kw) {
		return false
	}
	s.enter(toks[:end], i, kw)
	if kw != "def" && kw != "class" {
		s.yields(head, s.body())
	}
	if len(suite) == 0 {
		return true
	}
	if uses := s.opened.docs; kw == "def" {
		s.yields(suite, uses)
	} else {
		s.yields(suite, s.body())
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
	if toks[i].keyword == 0 || s.is(toks[i], "else") {
		return toks[i+1:]
	}
	return toks[i:]
}

// headerShape checks what each keyword wants between itself and the colon.
func (s *scanner) headerShape(head []token, colon token, kw string) bool {
	switch kw {
	case "else", "try", "finally":
		if len(head) > 1 {
			return s.tokenFault("FN1204", head[1], fmt.Sprintf("expected ':' after '%s'", kw))
		}
		return true
	case "except":
		return true
	}
	if len(head) < 2 {
		return s.tokenFault("FN1204", colon, "invalid syntax")
	}
	switch kw {
	case "def", "class":
		return s.defShape(head, colon, kw)
	case "if", "elif", "while":
		return s.noAssignment(head)
	case "for":
		for _, t := range head {
			if s.is(t, "in") {
				return true
			}
		}
		return s.tokenFault("FN1204", colon, "invalid syntax: a for statement needs 'in'")
	}
	return true
}

func (s *scanner) defShape(head []token, colon token, kw string) bool {
	if head[1].kind != tokName || head[1].keyword != 0 {
		return s.tokenFault("FN1204", head[1], fmt.Sprintf("invalid syntax: expected a name after '%s'", kw))
	}
	next := colon
	if len(head) > 2 {
		next = head[2]
	}
	if s.is(next, "(") || s.is(next, "[") || kw == "class" && s.is(next, ":") {
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
		case s.is(t, "lambda"):
			lambdas++
		case c == clColon:
			lambdas--
		case lambdas == 0 && s.is(t, "="):
			return s.tokenFault("FN1204", t, "invalid syntax: maybe you meant '==' or ':=' instead of '='?")
		}
	}
	return true
}

// enter notes what a header binds and opens its block.
func (s *scanner) enter(toks []token, i int, kw string) {
	s.opened = &opened{kw: toks[0], name: kw, scope: scopeOf(kw)}
	switch kw {
	case "def":
		s.define(toks, i)
	case "class":
		s.defineClass(toks[i:])
	default:
		s.opened.main = kw == "if" && s.isMain(toks)
		s.bindHeader(toks[i:], kw)
	}
}

// simple takes simple statements with semicolons between them.
func (s *scanner) simple(toks []token) bool {
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
		if !atEnd && (depth > 0 || !s.is(toks[i], ";")) {
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
	if len(toks) > 2 && s.is(toks[0], "type") && toks[1].kind == tokName && toks[1].keyword == 0 {
		s.since(12, toks[0], "a type statement")
		return s.neighbours(toks[1:]) && s.complete(toks)
	}
	if len(toks) > 1 && s.is(toks[0], "lazy") && (s.is(toks[1], "import") || s.is(toks[1], "from")) {
		s.since(15, toks[0], "a lazy import")
		toks = toks[1:]
	}
	switch {
	case s.is(toks[0], "import"):
		return s.neighbours(toks) && s.complete(toks) && s.importLine(toks)
	case s.is(toks[0], "from"):
		return s.fromLine(toks)
	}
	if !s.neighbours(toks) || !s.complete(toks) {
		return false
	}
	if !s.annotation(toks) {
		return false
	}
	s.docstring(toks)
	s.assignment(toks)
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
		if n == 0 && t.class == clKeyword || depth == 0 && t.class == clStrict && isAssignment(s.text(t)) {
			return s.tokenFault("FN1204", toks[i], "invalid syntax")
		}
	}
	return true
}
