package discover

import "strings"

// bind notes what a name stands for from here on in the innermost scope.
func (s *scanner) bind(name, target string) {
	names := s.scopeNames()
	if target == "" {
		if _, known := s.lookup(name); !known {
			return // a name that was never fngen's
		}
	}
	names[name] = target
	s.bound = true
}

// scopeNames are the names of the innermost scope; blocks of if, try and their
// like share those of the scope around them.
func (s *scanner) scopeNames() map[string]string {
	for i := len(s.blocks) - 1; i > 0; i-- {
		b := &s.blocks[i]
		if b.scope == "" {
			continue
		}
		if b.names == nil {
			b.names = map[string]string{}
		}
		return b.names
	}
	return s.blocks[0].names
}

// lookup finds what a name stands for, innermost scope first.
func (s *scanner) lookup(name string) (string, bool) {
	for i := len(s.blocks) - 1; i >= 0; i-- {
		if target, ok := s.blocks[i].names[name]; ok {
			return target, true
		}
	}
	return "", false
}

// resolve is the full dotted path of an expression such as "p.webapp", or empty
// when it is not fngen's.
func (s *scanner) resolve(dotted string) string {
	first, rest, more := strings.Cut(dotted, ".")
	target, _ := s.lookup(first)
	if target == "" || !more {
		return target
	}
	return target + "." + rest
}

// assignment notes names that a simple statement binds, constants among them.
func (s *scanner) assignment(toks []token) {
	if s.is(toks[0], "del") {
		s.unbind(toks[1:])
		return
	}
	depth, last := 0, -1
	for i, t := range toks {
		switch c := t.class; {
		case c == clOpen:
			depth++
		case c == clClose:
			depth--
		case depth == 0 && c == clStrict && t.code >= opAssign:
			last = i
		case depth == 0 && s.is(t, "lambda"):
			goto found // what follows belongs to the lambda
		}
	}
found:
	if last < 1 {
		return
	}
	value := toks[last+1:]
	if s.is(toks[last], "=") && toks[0].kind == tokName && toks[0].keyword == 0 && (last == 1 || s.is(toks[1], ":")) {
		s.single(toks[0], value)
		return
	}
	s.unbind(toks[:last])
}

// single takes "NAME = value" and "NAME: type = value".
func (s *scanner) single(name token, value []token) {
	text := s.name(name)
	dotted, rest := s.dotted(value)
	if dotted != "" && len(rest) == 0 {
		s.bind(text, s.resolve(dotted)) // another name for a Power
	} else {
		s.bind(text, "")
	}
	if s.inScope() != "" {
		return
	}
	s.constant(text, value)
	s.app(name, value)
	s.rebound(text, name)
}

// unbind forgets every name that toks use as a target.
func (s *scanner) unbind(toks []token) {
	for i, t := range toks {
		if t.kind != tokName || t.keyword != 0 || i > 0 && s.is(toks[i-1], ".") {
			continue
		}
		if i+1 < len(toks) && (s.is(toks[i+1], ".") || s.is(toks[i+1], "[") || s.is(toks[i+1], "(")) {
			continue
		}
		name := s.name(t)
		s.bind(name, "")
		if s.inScope() == "" {
			if _, ok := s.consts[name]; ok {
				s.consts[name] = constant{}
			}
			s.rebound(name, t)
		}
	}
}

// bindHeader notes the names bound by for, with, except and case.
func (s *scanner) bindHeader(toks []token, kw string) {
	for i, t := range toks {
		switch {
		case kw == "for" && s.is(t, "in"):
			s.unbind(toks[1:i])
			return
		case s.is(t, "as") && i+1 < len(toks):
			s.unbind(toks[i+1 : i+2])
		}
	}
}
