package discover

import (
	"bytes"
	"path"
	"strings"

	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/python"
)

// EnvRead is one place where the code uses an environment variable by its name.
type EnvRead struct {
	Name  string
	Place literal.Place
	Kind  EnvKind
}

// EnvKind says what the code does when the variable is not set.
type EnvKind int

// An Optional read has a default, or is guarded; after a Preset one the variable
// is set, by the code itself; a Required one fails.
const (
	Optional EnvKind = iota
	Preset
	Required
)

// DjangoSettings is a value that the code gives DJANGO_SETTINGS_MODULE.
type DjangoSettings struct {
	Module string
	Place  literal.Place
}

// maxEnv reads of one file are kept.
const maxEnv = 1000

// The words without which a file that imports os reads no variable; a part that
// begins with a rare letter is found sooner.
var environWord, getenvWord = []byte("viron"), []byte("getenv")

// watched reports whether environment variables are read by what a module has,
// so that its names are to be kept. The lines of a file are looked at from the
// first such import on.
func (s *scanner) watched(module string) bool {
	first, _, _ := strings.Cut(module, ".")
	switch first {
	case "os", "decouple", "environs", "environ", "starlette":
	default:
		return false
	}
	if s.reads || s.shallow || s.readsNot && first == "os" {
		return s.reads
	}
	src := s.lx.Src
	s.reads = !isTest(s.out.File) && (first != "os" || bytes.Contains(src, environWord) || bytes.Contains(src, getenvWord))
	s.readsNot = !s.reads && first == "os"
	// Under a prefix the names in the code are not those of the variables.
	s.prefixed = s.reads && (bytes.Contains(src, []byte("prefixed(")) || bytes.Contains(src, []byte(".prefix")))
	return s.reads
}

// environment notes the variables that a logical line reads or sets.
func (s *scanner) environment(toks []python.Token) {
	if !s.reads || s.inMain() || len(s.out.Env) >= maxEnv {
		return
	}
	for i, t := range toks {
		switch {
		case t.Kind == python.String:
			s.fields(t)
		case t.Kind != python.Name || t.Keyword != 0 || !s.initials[s.lx.Src[t.Start]] || i > 0 && toks[i-1].Code == python.OpDot:
		case s.target(t) != "":
			s.access(toks, i)
		}
	}
}

// target is what the name at t stands for, without making a string of it.
func (s *scanner) target(t python.Token) string {
	text := s.text(t)
	for i := len(s.blocks) - 1; i >= 0; i-- {
		if target, ok := s.blocks[i].names[string(text)]; ok {
			return target
		}
	}
	return ""
}

// fields looks into the replacement fields of an f-string.
func (s *scanner) fields(t python.Token) {
	text := s.text(t)
	quote := bytes.IndexAny(text, `'"`)
	if quote < 1 || !bytes.ContainsAny(text[:quote], "fF") {
		return
	}
	for i := quote; i < len(text); i++ {
		if text[i] != '{' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '{' {
			i++
			continue
		}
		end := bytes.IndexByte(text[i:], '}')
		if end < 0 {
			return
		}
		s.environment(s.lexed(t.Start+int32(i)+1, t.Start+int32(i+end)))
		i += end
	}
}

// access judges the expression that begins with the name at toks[i].
func (s *scanner) access(toks []python.Token, i int) {
	dotted, rest := s.dotted(toks[i:])
	full := s.resolve(dotted)
	if full == "os.environ" {
		s.subscript(toks, i, rest)
		return
	}
	if len(rest) < 2 || !s.is(rest[0], "(") {
		return
	}
	end := python.Closing(rest, 0)
	if end < 0 {
		return
	}
	args := s.commas(rest[1:end])
	if base, method, ok := s.reader(full); ok {
		s.read(base, method, rest[0], args)
	}
}

// subscript takes os.environ["X"] and "X" in os.environ.
func (s *scanner) subscript(toks []python.Token, i int, rest []python.Token) {
	switch {
	case len(rest) > 2 && s.is(rest[0], "[") && rest[1].Kind == python.String && s.is(rest[2], "]"):
		kind := Required
		switch {
		case s.is(toks[0], "del") || s.guarded():
			kind = Optional
		case len(rest) > 3 && s.is(rest[3], "="):
			kind = Preset
			s.djangoSettings(rest[1], rest[4:])
		}
		s.env(rest[1], kind)
	case i > 1 && s.is(toks[i-1], "in"):
		before := toks[:i-1]
		if s.is(before[len(before)-1], "not") {
			before = before[:len(before)-1]
		}
		if len(before) > 0 && before[len(before)-1].Kind == python.String {
			s.env(before[len(before)-1], Optional)
		}
	}
}

// guarded reports whether a failure here may be caught: in the body of a try.
func (s *scanner) guarded() bool {
	for _, b := range s.blocks[:len(s.blocks)-1] {
		if b.kw == python.KwTry {
			return true
		}
	}
	return false
}

// env notes one variable by the string token that names it.
func (s *scanner) env(t python.Token, kind EnvKind) {
	name, why := python.Unquote(string(s.text(t)))
	if why != "" || name == "" || len(s.out.Env) >= maxEnv {
		return
	}
	s.out.Env = append(s.out.Env, EnvRead{name, s.placeOf(t), kind})
}

const settingsVariable = "DJANGO_SETTINGS_MODULE"

// djangoSettings keeps the literal that the code gives that variable.
func (s *scanner) djangoSettings(name python.Token, value []python.Token) {
	if text, _ := python.Unquote(string(s.text(name))); text != settingsVariable || len(value) == 0 {
		return
	}
	if v, refused := s.literal(value); refused == nil && v.Kind == literal.Str {
		s.out.Settings = append(s.out.Settings, DjangoSettings{v.Str, s.span(value)})
	}
}

// isTest reports whether a file is read by a test runner or a build tool, not by
// the platform.
func isTest(file string) bool {
	dir, name := path.Split(file)
	for part := range strings.SplitSeq(dir, "/") {
		if part == "tests" || part == "test" || part == "testing" {
			return true
		}
	}
	return strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		name == "conftest.py" || name == "setup.py" || name == "noxfile.py"
}
