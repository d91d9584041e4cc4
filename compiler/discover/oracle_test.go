package discover

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
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

// newestPythons are the directories of CPythons in WebAssembly, newer than those
// of systems, that "go run ./nomad/dev oracle" installs.
func newestPythons(t *testing.T) []string {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this machine: CPython in WebAssembly cannot run")
	}
	dirs, err := filepath.Glob(filepath.Join(cache, "fngen", "tools", pyodide+"*.*"))
	if err != nil || len(dirs) == 0 {
		t.Skip("no CPython in WebAssembly in the cache: `go run ./nomad/dev oracle` installs it with npm")
	}
	return dirs
}

const pyodide = "pyodide-3"

// TestNewestOracle has the newest parsers of CPython read the library of this
// machine.
func TestNewestOracle(t *testing.T) {
	for _, python := range newestPythons(t) {
		t.Run(filepath.Base(python), func(t *testing.T) {
			for _, pair := range systemPython() {
				_, lib, _ := strings.Cut(pair, "=")
				compareLibrary(t, python, lib)
			}
		})
	}
}

// minorOf is the version of an interpreter with its library, or of one in
// WebAssembly.
func minorOf(t *testing.T, python, lib string) int {
	_, version, _ := strings.Cut(filepath.Base(lib), "python3.")
	if after, ok := strings.CutPrefix(filepath.Base(python), pyodide); ok {
		version, _, _ = strings.Cut(after, ".")
	}
	minor, err := strconv.Atoi(version)
	if err != nil {
		t.Fatalf("neither %s nor %s ends in a version", python, lib)
	}
	return minor
}

func compareLibrary(t *testing.T, python, lib string) {
	minor := minorOf(t, python, lib)
	lineNumbers := minor > 7 // of a def with decorators: older ones give that of the first decorator
	accepted, refused, compared, missed, wrong := 0, 0, 0, 0, 0
	for _, row := range askOracle(t, python, pythonFiles(t, lib)) {
		src, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		module, facts := scanFacts(row.Path, src)
		if short := Scan(row.Path, src); !reflect.DeepEqual(short, module) {
			t.Errorf("%s: the short way gives another result:\n%+v\n%+v", row.Path, short, module)
		}
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
	s.thorough = true
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

func stderr(err error) string {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "\n" + string(failed.Stderr)
	}
	return ""
}

func askOracle(t *testing.T, python string, files []string) []oracleRow {
	cmd := exec.Command(python, "testdata/oracle.py")
	if strings.HasPrefix(filepath.Base(python), pyodide) {
		cmd = exec.Command("node", "testdata/oracle.mjs", python)
	}
	cmd.Stdin = strings.NewReader(strings.Join(files, "\x00"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v%s", python, err, stderr(err))
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
