package discover

import (
	"bytes"
	"os"
	"reflect"
	"runtime"
	"strings"
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

// TestHostile reads files of a mebibyte full of what could cost more
// than its length: work that grew with its square would not end here.
func TestHostile(t *testing.T) {
	for _, unit := range []string{
		"(", "\\", "'", `"`, "\\\n", "\r", "#\r", "'\\\r\n", "{", "[]", "f'{", "f'''{f\"\"\"{", "{x:", "f'{x:", "\t", " ", "\x0c", "@", ":", "=", "a=",
		"lambda:", "lambda x:lambda y:", "if a:", "(lambda:0,", "0x", "1_", "1.", ".", "...", "\xc3\xa9", "'''a'", "\"\"\"\\\"", "a,", "*", "*,", "x[*a],",
		"import a;", "import ", "from a import b\n", "@a\n", "@a\ndef f(): x\n", "def f(a, b=1): x\n", "class A:\n", "if a:\n ", "try:\n", "a = b = c\n",
		"a='b'\n", "del a,\n", "match a:\n", "case a,", "not ", "async ", "\\N{", "f'\\N{", "# coding", "if x:\n\ty\n", "x = 1;",
	} {
		for _, before := range []string{"", "f'''", "(", "f'{", "x = [", "def f(", "# -*-", "with (a as b,", "except ", "\xef\xbb\xbf"} {
			src := append([]byte(before), bytes.Repeat([]byte(unit), (1<<20-len(before))/len(unit))...)
			for _, d := range Scan("a.py", src).Diagnostics {
				if d.Line < 1 || d.Column < 1 || d.Column > len(src)+1 {
					t.Errorf("%q after %q: bad place %+v", unit, before, d)
				}
			}
		}
	}
}

// A scan holds the tokens of one logical line, and no more of those than it looks
// at, however long the line is.
func TestHostileMemory(t *testing.T) {
	src := append([]byte("x = ["), bytes.Repeat([]byte("1,"), (MaxSource-10)/2)...)
	src = append(src, ']')
	grown := ^uint64(0)
	for range 3 { // what else the process does meanwhile counts too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Scan("a.py", src)
		runtime.ReadMemStats(&after)
		grown = min(grown, after.TotalAlloc-before.TotalAlloc)
	}
	if grown > 4*MaxSource {
		t.Errorf("a file of %d MiB takes %d MiB", len(src)>>20, grown>>20)
	}
}

// BenchmarkScan reads the sources of a standard library that is on this machine.
func BenchmarkScan(b *testing.B) {
	pythons := systemPython()
	if len(pythons) == 0 {
		b.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	_, lib, _ := strings.Cut(pythons[len(pythons)-1], "=")
	var sources [][]byte
	var size int64
	for _, file := range pythonFiles(b, lib) {
		src, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		sources, size = append(sources, src), size+int64(len(src))
	}
	b.SetBytes(size)
	for b.Loop() {
		for _, src := range sources {
			Scan("a.py", src)
		}
	}
}
