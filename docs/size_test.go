package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a person can hold in mind. A package with more files is a drawer; one file or
// function in twenty may be longer.
const (
	maxFilesOfPackage   = 25
	maxLinesOfFile      = 250
	maxLinesOfFunction  = 35
	maxMethodsToBeAsked = 5
)

// TestNothingOutgrows holds packages, files, functions and interfaces to a size.
func TestNothingOutgrows(t *testing.T) {
	s := measured(t)
	for _, dir := range slices.Sorted(maps.Keys(s.packages)) {
		if n := s.packages[dir]; n > maxFilesOfPackage {
			t.Errorf("%s has %d Go files, more than %d: find the part of it that is a subject of its own", dir, n, maxFilesOfPackage)
		}
	}
	percentile(t, "files", s.files, maxLinesOfFile)
	percentile(t, "functions", s.functions, maxLinesOfFunction)
	for name, methods := range s.interfaces {
		if methods > maxMethodsToBeAsked {
			t.Errorf("%s has %d methods: whoever implements it needs all of them; divide it by who uses what", name, methods)
		}
	}
}

// sizes of the Go code of the repository: files by package, lines by file and by
// function, methods by interface.
type sizes struct {
	packages, files, functions, interfaces map[string]int
}

// measured reads every Go file but test data and what is laid over other people's code.
func measured(t *testing.T) *sizes {
	t.Helper()
	out, err := exec.Command("git", "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	s := &sizes{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		if strings.Contains(file, "/testdata/") || strings.HasPrefix(file, "nomad/dev/tools/") {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", file)); err != nil {
			continue // deleted, and not yet committed
		}
		s.read(t, file)
	}
	if len(s.files) < 500 || len(s.functions) < 2000 {
		t.Fatalf("%d files and %d functions were found", len(s.files), len(s.functions))
	}
	return s
}

func (s *sizes) read(t *testing.T, file string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, filepath.Join("..", file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	line := func(p token.Pos) int { return set.Position(p).Line }
	s.packages[path.Dir(file)]++
	s.files[file] = set.File(parsed.FileStart).LineCount()
	name := ""
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			name = n.Name.Name
		case *ast.FuncDecl:
			s.functions[fmt.Sprintf("%s:%d %s", file, line(n.Pos()), n.Name.Name)] = line(n.End()) - line(n.Pos()) + 1
		case *ast.InterfaceType:
			// The HTTP contract is as wide as it is. An interface in another counts as one.
			if dir := path.Dir(file); dir != "pkg/api" {
				s.interfaces[dir+"."+name] = max(s.interfaces[dir+"."+name], n.Methods.NumFields())
			}
		}
		return true
	})
}

// percentile holds 95 of 100 to a length, and names the shortest that are in the way.
func percentile(t *testing.T, what string, lines map[string]int, most int) {
	t.Helper()
	names := slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		if n := lines[a] - lines[b]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	at := len(names) * 95 / 100
	if got := lines[names[at]]; got > most {
		over := slices.IndexFunc(names, func(name string) bool { return lines[name] > most })
		t.Errorf("one in twenty %s has more than %d lines, and %d are meant; %d of these must become shorter: %s",
			what, got, most, at-over+1, strings.Join(names[over:min(over+10, len(names))], ", "))
	}
}
