package discover

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"fngen.dev/fngen/compiler/diag"
)

// The Powers that the SDK exports, whether or not this platform has them yet.
var powers = []string{"scheduled_task", "task_worker", "web_form", "webapp"}

const powersModule = "fngen.powers"

// fact is something read from a file, for the tests that compare with CPython.
type fact struct {
	kind string
	line int
	text string
}

func (s *scanner) note(kind string, t token, text string) {
	if s.seen != nil {
		s.seen(fact{kind, int(t.line), text})
	}
}

// name is the text of a name as Python compares it.
func (s *scanner) name(t token) string {
	text := string(s.text(t))
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 {
			return norm.NFKC.String(text)
		}
	}
	return text
}

// importLine takes "import a.b as c, d".
func (s *scanner) importLine(toks []token) bool {
	for _, part := range s.commas(toks[1:]) {
		dotted, rest := s.dotted(part)
		if dotted == "" || len(rest) != 0 && (len(rest) != 2 || !s.is(rest[0], "as") || rest[1].kind != tokName) {
			t := toks[len(toks)-1]
			if len(part) > 0 {
				t = part[len(part)-1]
			}
			return s.tokenFault("FN1204", t, "invalid syntax")
		}
		first, _, _ := strings.Cut(dotted, ".")
		bound, target := first, first
		if len(rest) == 2 {
			bound, target = s.name(rest[1]), dotted
			s.note("import", toks[0], dotted+" as "+bound)
		} else {
			s.note("import", toks[0], dotted)
		}
		if target != "fngen" && target != powersModule {
			target = ""
		}
		s.bind(bound, target)
	}
	return true
}

// dotted reads "a.b.c" from the start of toks; it is empty when there is none.
func (s *scanner) dotted(toks []token) (string, []token) {
	if len(toks) == 0 || toks[0].kind != tokName || toks[0].keyword != 0 {
		return "", toks
	}
	out, i := s.name(toks[0]), 1
	for i+1 < len(toks) && s.is(toks[i], ".") && toks[i+1].kind == tokName && toks[i+1].keyword == 0 {
		out += "." + s.name(toks[i+1])
		i += 2
	}
	return out, toks[i:]
}

// fromLine takes "from .a import b as c, d".
func (s *scanner) fromLine(toks []token) bool {
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
	return s.fromNames(toks[0], module, names)
}

func (s *scanner) fromNames(from token, module string, names []token) bool {
	for _, part := range s.commas(names) {
		if len(part) == 0 {
			return s.tokenFault("FN1204", from, "invalid syntax: a name is missing between commas")
		}
		if len(part) == 1 && s.is(part[0], "*") {
			s.note("from", from, module+" *")
			s.bindStar(module)
			continue
		}
		if len(part) != 1 && (len(part) != 3 || !s.is(part[1], "as") || part[2].kind != tokName) || part[0].kind != tokName {
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
		s.bind(bound, s.imported(module, name, part[0]))
	}
	return true
}

// imported is the dotted path that a name of a module stands for, if it is one
// of fngen's.
func (s *scanner) imported(module, name string, at token) string {
	switch {
	case module == "fngen" && name == "powers":
		return powersModule
	case module == powersModule:
		s.checkPower(name, at)
		return powersModule + "." + name
	}
	return ""
}

func (s *scanner) bindStar(module string) {
	if module != powersModule {
		return
	}
	for _, p := range powers {
		s.bind(p, powersModule+"."+p)
	}
}

// checkPower reports a name that the SDK does not have.
func (s *scanner) checkPower(name string, at token) bool {
	for _, p := range powers {
		if p == name {
			return true
		}
	}
	if strings.HasPrefix(name, "__") {
		return false
	}
	help := "the Powers are " + strings.Join(powers, ", ")
	if near := diag.Nearest(name, powers); near != "" {
		help = "did you mean `" + near + "`?"
	}
	s.report("FN1211", s.placeOf(at), "fngen.powers has no Power \""+name+"\"", help)
	return false
}

// commas splits tokens at commas outside brackets; a trailing comma is fine.
func (s *scanner) commas(toks []token) [][]token {
	var out [][]token
	depth, start, lambdas := 0, 0, 0
	for i, t := range toks {
		switch c := t.class; {
		case c == clOpen:
			depth++
		case c == clClose:
			depth--
		case depth > 0:
		case s.is(t, "lambda"):
			lambdas++
		case c == clColon && lambdas > 0:
			lambdas--
		case c == clComma && lambdas == 0:
			out = append(out, toks[start:i])
			start = i + 1
		}
	}
	if start < len(toks) {
		out = append(out, toks[start:])
	}
	return out
}
