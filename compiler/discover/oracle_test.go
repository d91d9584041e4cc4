package discover

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

var oracles = flag.String("oracles", "", "more interpreters to compare with, as interpreter=library directory, with commas between")

// TestOracle reads every file of a standard library and compares what it found
// with CPython's own parser: no valid file may be refused, and imports, defs,
// parameters, classes and decorators must be the same ones on the same lines.
func TestOracle(t *testing.T) {
	pairs := strings.Split(*oracles, ",")
	if *oracles == "" {
		pairs = systemPython()
	}
	if len(pairs) == 0 {
		t.Skip("no python3 with a standard library below /usr/lib on this machine")
	}
	for _, pair := range pairs {
		python, lib, _ := strings.Cut(pair, "=")
		t.Run(filepath.Base(lib), func(t *testing.T) { compareLibrary(t, python, lib) })
	}
}

func systemPython() []string {
	var out []string
	for _, lib := range []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"} {
		python := "/usr/bin/python" + lib
		if _, err := os.Stat(filepath.Join("/usr/lib/python"+lib, "os.py")); err == nil && exec.Command(python, "--version").Run() == nil {
			out = append(out, python+"=/usr/lib/python"+lib)
		}
	}
	return out
}

type oracleRow struct {
	Path  string
	OK    bool
	Error string
	Line  int
	Facts []string
}

func compareLibrary(t *testing.T, python, lib string) {
	minor, err := strconv.Atoi(lib[strings.LastIndex(lib, "python3.")+len("python3."):])
	if err != nil {
		t.Fatalf("the directory %s does not end in a version", lib)
	}
	lineNumbers := minor > 7 // of a def with decorators: older ones give that of the first decorator
	accepted, refused, compared, missed, wrong := 0, 0, 0, 0, 0
	for _, row := range askOracle(t, python, pythonFiles(t, lib)) {
		src, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		module, facts := scanFacts(row.Path, src)
		broken := module.Broken()
		if !row.OK {
			refused++
			if len(broken) == 0 && module.Needs.Minor <= minor {
				missed++
				t.Logf("not seen: %s:%d: %s", row.Path, row.Line, row.Error)
			}
			continue
		}
		accepted++
		if len(broken) > 0 {
			wrong++
			d := broken[0]
			t.Errorf("valid file refused: %s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
			continue
		}
		if module.Needs.Minor > minor {
			t.Errorf("%s:%d: %q is said to need Python 3.%d", row.Path, module.Needs.Place.Line, module.Needs.What, module.Needs.Minor)
		}
		if lineNumbers {
			compared += len(facts)
			if !slices.Equal(facts, row.Facts) {
				t.Errorf("%s: %s", row.Path, difference(facts, row.Facts))
			}
		}
	}
	t.Logf("%s: %d valid files, %d refused wrongly, %d facts equal; %d invalid files, %d of them not seen", lib, accepted, wrong, compared, refused, missed)
}

func difference(got, want []string) string {
	for _, g := range got {
		if !slices.Contains(want, g) {
			return "only ours: " + g
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			return "only CPython's: " + w
		}
	}
	return "the same facts in other numbers"
}

func scanFacts(file string, src []byte) (*Module, []string) {
	s := newScanner(file, src)
	facts := []string{}
	s.seen = func(f fact) { facts = append(facts, fmt.Sprintf("%s %d %s", f.kind, f.line, f.text)) }
	s.scan(src)
	sort.Strings(facts)
	return s.out, facts
}

func pythonFiles(t testing.TB, lib string) []string {
	var out []string
	err := filepath.WalkDir(lib, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".py") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func askOracle(t *testing.T, python string, files []string) []oracleRow {
	cmd := exec.Command(python, "testdata/oracle.py")
	cmd.Stdin = strings.NewReader(strings.Join(files, "\x00"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v", python, err)
	}
	var rows []oracleRow
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var row oracleRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}
