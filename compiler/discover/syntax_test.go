package discover

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// syntax is each kind of syntax that came after Python 3.6, with the version that
// has it, and what every version has but is easily read wrongly.
var syntax = []struct {
	minor int
	src   string
}{
	// Every version.
	{0, "match = case = type = lazy = 1\nmatch(x)\nmatch[0] = 1\nmatch.a = 2\nprint(match, case)\ntype(x)\nlazy.a\n"},
	{0, "import match, case, type\nfrom lazy import lazy as match\ndef match(case, *type, **lazy): pass\nclass case: pass\n"},
	{0, "match * a\nmatch - b\nmatch in c\nmatch if case else type\nmatch == {1: 2}\n"},
	{0, "if a:\r\n  def f(x):\r\n    return 1\r\nelse:\r\n  import b\r\n"},
	{0, "if a:\r  def f(x):\r    return 1\relse:\r  import b\r"},
	{0, "\xef\xbb\xbfimport a\n@b\ndef c(): pass\n"},
	{0, "\xef\xbb\xbf# coding: utf-8\nimport a\n"},
	{0, "\x0cimport a\n\x0c\n  \x0cdef b(): pass\n"},
	{0, "#!/usr/bin/python\n# -*- coding: latin-1 -*-\nx = '\xe9'\nimport a\n"},
	{0, "# vim: set fileencoding=cp1252 :\nx = '\x93'\ndef f(): pass\n"},
	{0, "ﬁ = ℌ = 1\ndef ﬁn(ª): pass\nimport ﬁle\nclass Ⅳ: pass\nfrom ａ import ｂ as ｃ\n"},
	{0, "été = 1\n变量 = été\n℘ = ℮ = 1\n"},
	{0, "import a, \\\n  b\nx = 1 \\\n  + 2\nif a and \\\n   b:\n  pass\n"},
	{0, "\\\nimport a\n"},
	{0, "if a:\n  b\n\\\n  \nimport c\n"},
	{0, "f'\\N{EM DASH}{x}' '\\N{EM DASH}' rf'\\N{x}'\n"},
	{0, "f'{x!r:>{w}.{p}}' f'{{}}' f'{a[\"b\"]}' f'{x:%H:%M}' f'''{\nx\n}'''\n"},
	{0, "f'{(lambda x: 1)}' f'{ {1: 2}[1] }' f'{x:{\"a\"}>9}' f'{a!s}' f'{a != b}'\n"},
	{0, "rb'\\'' bR\"\\\"\" b''\nRf'{x}\\'' u'' '' '''a'b''c\\'''' ''''''\n"},
	{0, "'''\\\\''' + '\\\\' + 'a\\\nb' + r'\\''\n"},
	{0, "async def f():\n  async with a as b, c: pass\n  async for x in y: await x\n  return [x async for x in y if await x]\n"},
	{0, "async def f(): return {i: j async for i, j in x}, (await i for i in y)\n"},
	{0, "def f(a: int = 1, *b: str, c: {1: 2} = 3, **d: 'x') -> {1: 2}[0]: pass\n"},
	{0, "x: int\ny: {1: 2} = 3\n(z): int = 1\na.b: c\na[1:2]: d = e\n"},
	{0, "a[1:2, ::3] = b[:, ..., None]\nlambda x, *y, z=lambda: 1, **w: (x, {1: 2})\n"},
	{0, "from . import a\nfrom .. import b as c\nfrom ... import d\nfrom .... import e\nfrom .a.b import (c, d as e,)\nfrom . a import *\n"},
	{0, "0x_f + 0b_1 + 0o_7 + 1_000.0_1e+1_0j + .5 + 5. + 1.e3 + 1if x else 2\n"},
	{0, "@a\n@a.b.c\n@a.b(c, d=1)\n@a(\n  b\n)\n# c\n\n@d\nclass e(f, *g, **h): x = 1; y: int = 2\n"},
	{0, "try: pass\nexcept (A, B) as e: pass\nexcept: pass\nelse: pass\nfinally: pass\n"},
	{0, "with a as b, c(d) as (e, f), g: pass\nwith (a): pass\nwith (a, b): pass\nwith (a).b as c: pass\n"},
	{0, "for x, in y: pass\nelse: pass\nfor (x, y), *z in w: pass\nwhile a: break\nelse: pass\n"},
	{0, "x = *a, b\nx = [*a, *b]\nf(*a, *b, c=1, **d, **e)\ndel a, b[0], c.d\n"},
	{0, "if a: pass; pass;\nglobal_ = 1; import a; from b import c\nx = yield_ = 1\n"},
	{0, "def f():\n  x = yield\n  y = yield from z\n  yield 1, 2\n  raise A from b\n  assert a, b\n  nonlocal_ = 1\n"},
	{0, "a = b if c else d if e else f\nnot a in b\na is not b\nnot not a\n-+~a ** -b\na @ b\na @= b\n"},
	{0, "if True:\n\tx = 1\n\tif y:\n\t\tz = 1\n"},
	{0, "class a:\n  '''b'''\n  def c(self): 'd'\n  x = 1\n\n# e\n  # f\n  y = 2\n"},
	{0, "try:\n  pass\nfinally:\n  pass\nx = (yield_)\n\n\n# the end without a line end"},
	// 3.8
	{8, "if (x := 1): pass\nwhile y := f(): pass\n[z := 1, z]\nf(a, b := 2)\n"},
	{8, "def f(a, /, b): pass\n"},
	{8, "def f(a, b=1, /): pass\nlambda x, /: 1\n"},
	// 3.9
	{9, "@(a.b)\ndef f(): pass\n"},
	{9, "@a[0].b\ndef f(): pass\n"},
	{9, "@a.b(1)(2)\ndef f(): pass\n"},
	{9, "@a or b\nclass f: pass\n"},
	{9, "@x if y else z\n@lambda f: f\ndef f(): pass\n"},
	{9, "with (a as b, c as d,): pass\n"},
	{9, "with (\n  a as b,\n  c\n): pass\n"},
	// 3.10
	{10, "match x:\n  case 1 | -2: pass\n  case 'a' 'b': pass\n  case [a, *_] if a: pass\n  case {'k': v, **r}: pass\n  case A(b=1, c=D.e) as f: pass\n  case (a, b): pass\n  case None: pass\n  case _: pass\n"},
	{10, "match x, y:\n  case a, b: pass\n  case *c, d: pass\n"},
	{10, "match (x):\n  case (1): pass\nmatch [a]:\n  case [b]: pass\nmatch -x:\n  case -1: pass\nmatch not x:\n  case True: pass\n"},
	{10, "match match:\n  case case: pass\n"},
	{10, "match {1: 2}:\n  case {}: pass\nmatch *a, b:\n  case [*_]: pass\nmatch lambda: 1:\n  case x: pass\nmatch f(x):\n  case 1 + 2j: pass\n"},
	{10, "match +x:\n  case 1: pass\n"},
	// 3.11
	{11, "try: pass\nexcept* A: pass\nexcept* (B, C) as d: pass\n"},
	{11, "def f(*args: *Ts): pass\n"},
	{11, "x[*a]\nx[b, *c]\nclass A(B[*Ts]): pass\n"},
	// 3.12
	{12, "type X = int\ntype Y[T, *Ts, **P] = dict[T, *Ts]\n"},
	{12, "type type = type\ntype match[case] = lazy\n"},
	{12, "def f[T: int, *Ts, **P](x: T, *y: P.args) -> T: pass\nclass A[T: (int, str)](B): pass\nclass C[T]: pass\nasync def g[T](): pass\n"},
	{12, "f'{a['b']}'\n"},
	{12, "f\"{f\"{f\"{f\"{1}\"}\"}\"}\"\n"},
	{12, "f'{x\n+ y}'\n"},
	{12, "f'{'\\n'.join(a)}'\n"},
	{12, "f'''{a # b}\n}'''\n"},
	{12, "f'{\nx\n!r\n}' f'{x!s\n  :>0}' f'''{x!r # y\n}'''\n"},
	{12, "f'{a:{'b'}}' f'{x!r:{'y'}}'\n"},
	// 3.13
	{13, "class A[T = int]: pass\n"},
	{13, "def f[T: str = str, *Ts = *tuple[int], **P = [int]](): pass\n"},
	{13, "type X[T = int] = list[T]\n"},
	// 3.14
	{14, "t'{a}' t\"b\" rt'{c!r:>{d}}' TR'''\n{e}'''\n"},
	{14, "t'{t'{a}'}'\nf'{t'b'}'\n"},
	{14, "try: pass\nexcept A, B: pass\n"},
	{14, "try: pass\nexcept* A, B: pass\n"},
	// 3.15
	{15, "lazy import a\n"},
	{15, "match x:\n  case +1 | 2 + 3j: pass\n  case [1, +2] if +y: pass\n"},
	{15, "lazy import a.b as c, d\nlazy from .e import f as g\n"},
}

// TestSyntax reads each kind of syntax: none may be refused, each is known by the
// version that brought it, and CPythons of all versions at hand agree on both and
// on what is in it.
func TestSyntax(t *testing.T) {
	files := writeSyntax(t)
	for i, s := range syntax {
		m := Scan(files[i], []byte(s.src))
		if broken := m.Broken(); len(broken) > 0 {
			t.Errorf("refused: %q: %s", s.src, broken[0].Message)
		}
		if m.Needs.Minor != s.minor {
			t.Errorf("needs 3.%d (%s), want 3.%d: %q", m.Needs.Minor, m.Needs.What, s.minor, s.src)
		}
	}
	pairs := systemPython()
	if *oracles != "" {
		pairs = strings.Split(*oracles, ",")
	}
	for _, pair := range pairs {
		python, lib, _ := strings.Cut(pair, "=")
		t.Run(filepath.Base(lib), func(t *testing.T) { compareSyntax(t, python, lib, files) })
	}
}

// A backslash before an indentation was refused before Python 3.10.
func TestBackslashBeforeIndentation(t *testing.T) {
	for src, valid := range map[string]bool{
		"class a:\n\\\n    pass\n":                  true,
		"class a:\n  \\\n    b\n  \\\n  c\n  d\n":   true,
		"class a:\n  \\\n    b\n    \\\n  c\n  d\n": false,
	} {
		if broken := Scan("a.py", []byte(src)).Broken(); (len(broken) == 0) != valid {
			t.Errorf("%q: %v", src, broken)
		}
	}
}

// TestNewestSyntax does so with the newest CPythons.
func TestNewestSyntax(t *testing.T) {
	files := writeSyntax(t)
	for _, python := range newestPythons(t) {
		t.Run(filepath.Base(python), func(t *testing.T) { compareSyntax(t, python, "", files) })
	}
}

func writeSyntax(t *testing.T) []string {
	dir := t.TempDir()
	var files []string
	for i, s := range syntax {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%03d.py", i)))
		if err := os.WriteFile(files[i], []byte(s.src), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func compareSyntax(t *testing.T, python, lib string, files []string) {
	minor := minorOf(t, python, lib)
	for i, row := range askOracle(t, python, files) {
		s := syntax[i]
		if row.OK != (s.minor <= minor) {
			t.Errorf("Python 3.%d takes it: %v (%s): %q", minor, row.OK, row.Error, s.src)
			continue
		}
		if _, facts := scanFacts(files[i], []byte(s.src)); row.OK && minor > 7 && !slices.Equal(facts, row.Facts) {
			t.Errorf("%s: %q", difference(facts, row.Facts), s.src)
		}
	}
}
