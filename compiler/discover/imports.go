package discover

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"fngen.dev/fngen/compiler/python"
)

// fact is something read from a file, for the tests that compare with CPython.
type fact struct {
	kind string
	line int
	text string
}

func (s *scanner) note(kind string, t python.Token, text string) {
	if s.seen != nil {
		s.seen(fact{kind, int(t.Line), text})
	}
}

// name is the text of a name as Python compares it.
func (s *scanner) name(t python.Token) string {
	text := string(s.text(t))
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 {
			return norm.NFKC.String(text)
		}
	}
	return text
}

// importLine takes "import a.b as c, d".
func (s *scanner) importLine(toks []python.Token) bool {
	for _, part := range s.commas(toks[1:]) {
		dotted, rest := s.dotted(part)
		if dotted == "" || len(rest) != 0 && (len(rest) != 2 || !s.is(rest[0], "as") || rest[1].Kind != python.Name) {
			t := toks[len(toks)-1]
			if len(part) > 0 {
				t = part[len(part)-1]
			}
			return s.tokenFault("FN1204", t, "invalid syntax")
		}
		s.met(dotted, nil, part[0], part[len(part)-len(rest)-1])
		first, _, _ := strings.Cut(dotted, ".")
		bound, target := first, first
		if len(rest) == 2 {
			bound, target = s.name(rest[1]), dotted
			s.note("import", toks[0], dotted+" as "+bound)
		} else {
			s.note("import", toks[0], dotted)
		}
		s.bindImport(bound, target, "", part[0])
		if name, ours := strings.CutPrefix(dotted, "fngen."); ours {
			name, _, _ = strings.Cut(name, ".")
			s.checkModule(name, part[2])
		}
	}
	return true
}

// dotted reads "a.b.c" from the start of toks; it is empty when there is none.
func (s *scanner) dotted(toks []python.Token) (string, []python.Token) {
	if len(toks) == 0 || toks[0].Kind != python.Name || toks[0].Keyword != 0 {
		return "", toks
	}
	out, i := s.name(toks[0]), 1
	for i+1 < len(toks) && s.is(toks[i], ".") && toks[i+1].Kind == python.Name && toks[i+1].Keyword == 0 {
		out += "." + s.name(toks[i+1])
		i += 2
	}
	return out, toks[i:]
}

// fromLine takes "from .a import b as c, d".
func (s *scanner) fromLine(toks []python.Token) bool {
	at := -1
	for i, t := range toks {
		if s.is(t, "import") {
			at = i
			break
		}
	}
	if at < 2 {
		last := toks[len(toks)-1]
		return s.tokenFault("FN1204", last, "invalid syntax: 'from' needs a module, 'import' and names")
	}
	module, rest := "", toks[1:at]
	for len(rest) > 0 && (s.is(rest[0], ".") || s.is(rest[0], "...")) {
		module += string(s.text(rest[0]))
		rest = rest[1:]
	}
	if len(rest) > 0 {
		name, after := s.dotted(rest)
		if len(after) > 0 {
			return s.tokenFault("FN1204", after[0], "invalid syntax")
		}
		module += name
	}
	names := toks[at+1:]
	if len(names) == 0 {
		return s.tokenFault("FN1204", toks[at], "invalid syntax: expected names after 'import'")
	}
	if !s.neighbours(names) || !s.complete(toks) {
		return false
	}
	if s.is(names[0], "(") {
		names = names[1 : len(names)-1]
	}
	if name, ours := strings.CutPrefix(module, "fngen."); ours {
		name, _, _ = strings.Cut(name, ".")
		s.checkModule(name, rest[2])
	}
	s.metFrom(module, toks[1:at], names)
	return s.fromNames(toks[0], module, names)
}

// metFrom tells of "from module import names"; named are the tokens of the module.
func (s *scanner) metFrom(module string, named, names []python.Token) {
	if s.toldImport == nil {
		return
	}
	list := []string{}
	for _, part := range s.commas(names) {
		if len(part) > 0 {
			list = append(list, s.name(part[0]))
		}
	}
	s.met(module, list, named[0], named[len(named)-1])
}

func (s *scanner) fromNames(from python.Token, module string, names []python.Token) bool {
	for _, part := range s.commas(names) {
		if len(part) == 0 {
			return s.tokenFault("FN1204", from, "invalid syntax: a name is missing between commas")
		}
		if len(part) == 1 && s.is(part[0], "*") {
			s.note("from", from, module+" *")
			s.bindStar(module, from)
			continue
		}
		if len(part) != 1 && (len(part) != 3 || !s.is(part[1], "as") || part[2].Kind != python.Name) || part[0].Kind != python.Name {
			return s.tokenFault("FN1204", part[len(part)-1], "invalid syntax")
		}
		name := s.name(part[0])
		bound := name
		if len(part) == 3 {
			bound = s.name(part[2])
			s.note("from", from, module+" "+name+" as "+bound)
		} else {
			s.note("from", from, module+" "+name)
		}
		s.bindImport(bound, module, name, part[0])
	}
	return true
}

// bindImport binds what "from module import name" brings in, or the module
// itself where name is empty. Of imports from elsewhere only their paths are
// kept, for the second reading.
func (s *scanner) bindImport(bound, module, name string, at python.Token) {
	if s.consts != nil && s.atModuleLevel() {
		s.notConstant(bound, at)
	}
	var target string
	s.frameworkImport(bound, module, name)
	switch {
	case isFngen(module):
		s.imports(at)
		target = s.imported(module, name, at)
	case s.watched(module):
		target = joined(module, name)
	case s.all:
		s.aside(bound, module, name, at)
		target = joined(s.absolute(module), name)
	default:
		s.aside(bound, module, name, at)
	}
	s.bind(bound, target)
}

// imports notes the first import of fngen.
func (s *scanner) imports(at python.Token) {
	if s.out.Import.Line == 0 {
		s.out.Import = s.placeOf(at)
	}
}

// joined is the path of a name in a module; empty where the module has none.
func joined(module, name string) string {
	if module == "" || name == "" {
		return module
	}
	return module + "." + name
}

// imported is the path of a name of fngen's. A Power that is imported from the
// package itself is reported, and meant.
func (s *scanner) imported(module, name string, at python.Token) string {
	switch {
	case name == "":
	case module == "fngen":
		s.checkModule(name, at)
		if slices.Contains(powers, name) {
			return powersModule + "." + name
		}
	case module == powersModule:
		s.checkPower(name, at)
	}
	return joined(module, name)
}

func (s *scanner) bindStar(module string, at python.Token) {
	s.frameworkImport("*", module, "")
	switch {
	case module == powersModule:
		s.imports(at)
		for _, p := range powers {
			s.bind(p, powersModule+"."+p)
		}
	case isFngen(module) || s.watched(module):
	case s.all:
		s.bindAll(s.absolute(module))
	default:
		s.aside("*", module, "", at)
	}
}

// commas splits tokens at commas outside brackets; a trailing comma is fine.
func (s *scanner) commas(toks []python.Token) [][]python.Token {
	var out [][]python.Token
	depth, start, lambdas := 0, 0, 0
	for i, t := range toks {
		switch c := t.Class; {
		case c == python.ClassOpen:
			depth++
		case c == python.ClassClose:
			depth--
		case depth > 0:
		case s.is(t, "lambda"):
			lambdas++
		case c == python.ClassColon && lambdas > 0:
			lambdas--
		case c == python.ClassComma && lambdas == 0:
			out = append(out, toks[start:i])
			start = i + 1
		}
	}
	if start < len(toks) {
		out = append(out, toks[start:])
	}
	return out
}
