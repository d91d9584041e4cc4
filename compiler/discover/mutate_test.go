package discover

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var word = regexp.MustCompile(`\w+|[^\w\s]`)

// TestMutated drops, doubles and swaps single tokens of real files. What CPython
// still takes must not be refused and must give the same facts; of what it
// refuses, nearly all must be seen.
func TestMutated(t *testing.T) {
	pythons := systemPython()
	if len(pythons) == 0 {
		t.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	python, lib, _ := strings.Cut(pythons[len(pythons)-1], "=")
	r := rand.New(rand.NewPCG(2026, 11))
	var sources [][]byte
	for _, file := range pythonFiles(t, lib) {
		if src, err := os.ReadFile(file); err == nil && len(src) > 1000 && len(src) < 15000 {
			sources = append(sources, src)
		}
	}
	dir := t.TempDir()
	var files []string
	for i := range 400 {
		name := filepath.Join(dir, fmt.Sprintf("%03d.py", i))
		if err := os.WriteFile(name, mutate(r, sources[r.IntN(len(sources))]), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	invalid, missed := 0, 0
	for _, row := range askOracle(t, python, files) {
		src, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		module, facts := scanFacts(row.Path, src)
		if short := Scan(row.Path, src); !reflect.DeepEqual(short, module) {
			t.Errorf("the short way gives another result:\n%+v\n%+v", short, module)
		}
		switch broken := module.Broken(); {
		case !row.OK:
			invalid++
			if len(broken) == 0 {
				missed++
			}
		case len(broken) > 0:
			line := bytes.Split(src, []byte("\n"))[broken[0].Line-1]
			t.Errorf("valid file refused: %s: %s", broken[0].Message, line)
		case !slices.Equal(facts, row.Facts):
			t.Errorf("%s", difference(facts, row.Facts))
		}
	}
	t.Logf("%d files, %d invalid, %d of them not seen", len(files), invalid, missed)
	if missed*10 > invalid {
		t.Errorf("%d of %d invalid files are not seen", missed, invalid)
	}
}

func mutate(r *rand.Rand, src []byte) []byte {
	words := word.FindAllIndex(src, -1)
	at, other := words[r.IntN(len(words))], words[r.IntN(len(words))]
	text := src[other[0]:other[1]]
	var out []byte
	switch r.IntN(3) {
	case 0: // drop
		out = append(out, src[:at[0]]...)
	case 1: // swap
		out = append(append(out, src[:at[0]]...), text...)
	default: // add
		out = append(append(append(out, src[:at[1]]...), ' '), text...)
		out = append(out, ' ')
	}
	return append(out, src[at[1]:]...)
}
