package discover

import (
	"strings"

	"fngen.dev/fngen/compiler/python"
)

// bind notes what a name stands for from here on. What is bound under a
// condition, as in an except block, takes a name from fngen only there: on
// another path the name still is fngen's.
func (s *scanner) bind(name, target string) {
	if target == "" && !s.all {
		if _, known := s.lookup(name); !known {
			return // a name that was never fngen's
		}
	}
	inline := s.inlineSuite()
	if inline == python.KwDef || inline == python.KwClass {
		return // of a scope that ends with the line
	}
	at := s.scopeBlock()
	if !isFngen(target) && s.blocks[at].names[name] != "" {
		if isCondition(inline) {
			return
		}
		at = s.conditional(at)
	}
	for i := at + 1; i < len(s.blocks); i++ {
		delete(s.blocks[i].names, name)
	}
	if s.blocks[at].names == nil {
		s.blocks[at].names = map[string]string{}
	}
	s.blocks[at].names[name] = target
	s.ours = s.ours || isFngen(target)
	s.bound = true
	if name != "" {
		s.initials[name[0]] = true
	}
}

// scopeBlock is the block of the innermost scope; blocks of if, try and their
// like share its names.
func (s *scanner) scopeBlock() int {
	for i := len(s.blocks) - 1; i > 0; i-- {
		if s.blocks[i].scope != "" {
			return i
		}
	}
	return 0
}

// conditional is the innermost block above the one at from that may be passed
// over, or from.
func (s *scanner) conditional(from int) int {
	for i := len(s.blocks) - 1; i > from; i-- {
		if isCondition(s.blocks[i-1].kw) {
			return i
		}
	}
	return from
}

func isCondition(kw python.Code) bool {
	switch kw {
	case python.KwIf, python.KwElif, python.KwElse, python.KwTry, python.KwExcept, python.KwFor, python.KwWhile, python.SoftCase:
		return true
	}
	return false
}

// inlineSuite is the keyword of the header on whose own line this statement
// stands, or codeNone.
func (s *scanner) inlineSuite() python.Code {
	if s.opened != nil {
		return python.CodeNone
	}
	return s.blocks[len(s.blocks)-1].kw
}

// atModuleLevel reports whether what stands here is bound in the module.
func (s *scanner) atModuleLevel() bool {
	if inline := s.inlineSuite(); inline == python.KwDef || inline == python.KwClass {
		return false
	}
	return s.inScope() == ""
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
// when nothing is known of it.
func (s *scanner) resolve(dotted string) string {
	first, rest, more := strings.Cut(dotted, ".")
	target, _ := s.lookup(first)
	if target == "" || !more {
		return target
	}
	return target + "." + rest
}

// assignment notes names that a simple statement binds, constants among them.
func (s *scanner) assignment(toks []python.Token) {
	s.calls(toks)
	s.exported(toks)
	s.returns(toks)
	if s.is(toks[0], "del") {
		s.unbind(toks[1:])
		return
	}
	depth, last := 0, -1
	for i, t := range toks {
		switch c := t.Class; {
		case c == python.ClassOpen:
			depth++
		case c == python.ClassClose:
			depth--
		case depth == 0 && c == python.ClassStrict && t.Code >= python.OpAssign:
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
	if s.is(toks[last], "=") && toks[0].Kind == python.Name && toks[0].Keyword == 0 && (last == 1 || s.is(toks[1], ":")) {
		s.single(toks[0], value)
		return
	}
	if len(toks) > 1 && toks[0].Kind == python.Name && s.is(toks[1], ",") {
		s.app(toks[0], value, true)
	}
	s.unbind(toks[:last])
}

// single takes "NAME = value" and "NAME: type = value".
func (s *scanner) single(name python.Token, value []python.Token) {
	text := s.name(name)
	dotted, rest := s.dotted(value)
	if dotted != "" && len(rest) == 0 {
		s.bind(text, s.resolve(dotted)) // another name for a Power
		s.alias(name, dotted)
	} else {
		s.bind(text, s.maker(value))
	}
	s.app(name, value, false)
	if !s.atModuleLevel() {
		return
	}
	s.constant(name, value)
	s.rebound(text, name)
}

// unbind forgets every name that toks use as a target.
func (s *scanner) unbind(toks []python.Token) {
	for i, t := range toks {
		if t.Kind != python.Name || t.Keyword != 0 || i > 0 && s.is(toks[i-1], ".") {
			continue
		}
		if i+1 < len(toks) && (s.is(toks[i+1], ".") || s.is(toks[i+1], "[") || s.is(toks[i+1], "(")) {
			continue
		}
		name := s.name(t)
		s.bind(name, "")
		if s.atModuleLevel() {
			s.notConstant(name, t)
			s.rebound(name, t)
		}
	}
}

// bindHeader notes the names bound by for, with, except and case.
func (s *scanner) bindHeader(toks []python.Token, kw string) {
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
