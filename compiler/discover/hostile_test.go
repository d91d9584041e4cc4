package discover

import (
	"bytes"
	"runtime"
	"testing"
)

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
