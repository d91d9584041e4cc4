package discover

import (
	"bytes"
	"reflect"
	"testing"
)

// Whatever the bytes, a scan ends, does not panic, points into the file, and finds
// the same by its short ways as without them.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"from fngen.powers import webapp as w\n@w(framework='fastapi')\nasync def a(x: int = 1, /, *b, c=lambda a, b: 1, **d) -> str: 'doc'\n",
		"import fngen.powers as p\nN = 'a' \"b\"\n@(p.webapp(N, health='/' '\\x41',))\n# c\n\ndef f[T: int](a,\n  b):\n  r'''doc\n  '''\n",
		"x = f'{a['b']:>{w}} {{}} {f'{c!r}'}' rf'\\{x}' f'\\N{DASH}'\n",
		"match x:\n  case [1, *_] if y: pass\n  case {'a': 1}: z\nelse: pass\n",
		"if x:\n\ty\n        z\n", "def f(:\n", "x = (1,\ny = [2\n)", "'''", "f'{", "f'{{'{", "\\", "\\\r\n@", "@\n", "@a\n", "\x00", "\xef\xbb\xbfx=1\r\r\n\fy\n",
		"lazy from 0",
		"# coding: latin-1\nx = '\xe9'\nn\xe9 = 1\n", "class A[T](B): x: int = 1; y\n", "try: pass\nfinally:\n pass\nasync with a as b, c: d",
		"f'{x:{y:{z}}}' f'{lambda x: 1}' f\"{x!r:^{w}.{p}}\"\nif x = 1: pass\n",
	} {
		f.Add([]byte(seed))
	}
	for _, s := range syntax {
		f.Add([]byte(s.src))
	}
	for _, src := range broken {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m := Scan("a.py", src)
		if slow, _ := scanFacts("a.py", src); !reflect.DeepEqual(slow, m) {
			t.Errorf("the short way gives another result:\n%+v\n%+v", m, slow)
		}
		lines := bytes.Count(src, []byte("\n")) + bytes.Count(src, []byte("\r")) + 1
		for _, d := range m.Diagnostics {
			if d.Line < 1 || d.Line > lines || d.Column < 1 || d.Column > len(src)+1 || d.Message == "" || d.Help == "" {
				t.Errorf("bad diagnostic %+v", d)
			}
		}
		for _, u := range m.Uses {
			if u.Function == "" || u.Line < 1 || u.Power == "" {
				t.Errorf("bad use %+v", u)
			}
		}
	})
}

// Deep nesting must cost neither the stack nor time that grows with its square.
func TestDeepNesting(t *testing.T) {
	for _, src := range []string{
		string(bytes.Repeat([]byte("("), 1<<20)),
		string(bytes.Repeat([]byte("f'{"), 1<<18)),
		string(bytes.Repeat([]byte("f'''{f\"\"\"{"), 1<<17)),
		"f'" + string(bytes.Repeat([]byte("{x:"), 1<<18)),
		string(bytes.Repeat([]byte("@a\n"), 1<<16)),
		"x = [" + string(bytes.Repeat([]byte("1,"), 1<<20)) + "]",
		"if x in (" + string(bytes.Repeat([]byte("1,"), 1<<20)) + "):\n  y\nelse:\n  z\n",
		string(bytes.Repeat([]byte("a=lambda:"), 1<<16)),
		"def f(" + string(bytes.Repeat([]byte("a=lambda:1,"), 1<<16)) + "): pass",
	} {
		for _, d := range Scan("a.py", []byte(src)).Diagnostics {
			if d.Code != "FN1204" && d.Code != "FN1203" && d.Code != "FN1201" {
				t.Errorf("%.20s: %s", src, d.Message)
			}
		}
	}
}
