//go:build unix

package dependencies

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"fngen.dev/fngen/compiler/source"
)

// TestHostile gives each reader the largest files that it takes, made to be slow.
// The bound is far above what they take, and far below what quadratic work would. It
// is of processor time, which a busy machine does not stretch.
func TestHostile(t *testing.T) {
	tree := source.Tree{FS: fstest.MapFS{}}
	add := func(name, text string) {
		tree.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text)}
	}
	var many strings.Builder
	for i := range 20000 {
		name := fmt.Sprintf("m/%05d/x.py", i)
		tree.Files = append(tree.Files, source.File{Path: name})
		add(name, "")
		fmt.Fprintf(&many, "./m/%05d\n", i)
	}
	repeated := func(line string, limit int) string { return strings.Repeat(line, limit/len(line)) }
	numbered := func(form string, limit int) string {
		var b strings.Builder
		for i := 0; b.Len() < limit-2*len(form); i++ {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	chain := func(form string, limit int) string {
		var b strings.Builder
		for i := 0; b.Len() < limit-2*len(form); i++ {
			fmt.Fprintf(&b, form, i, i+1, i%9+1)
		}
		return b.String()
	}
	project := "[project]\nname='shop'\ndependencies=["
	for what, files := range map[string]map[string]string{
		"directories": {"requirements.txt": many.String()},
		"the tree":    {"requirements.txt": repeated("-e .\n", maxRequirements)},
		"names":       {"requirements.txt": numbered("a%d\n", maxRequirements)},
		"brackets":    {"requirements.txt": "a;" + strings.Repeat("(", maxRequirements/2)},
		"extras":      {"requirements.txt": "a[" + repeated("x,", maxRequirements-10) + "x]"},
		"specifiers":  {"requirements.txt": "a" + repeated(">=1,", maxRequirements-10)},
		"a URL":       {"requirements.txt": "-i https://" + repeated("a@", maxRequirements-20)},
		"circles":     {"requirements.txt": repeated("-r requirements.txt\n", maxRequirements)},
		"keys":        {"pyproject.toml": numbered("a%d=1\n", maxPyproject)},
		"dots":        {"pyproject.toml": repeated("a.", maxPyproject-10) + "b=1"},
		"tables":      {"pyproject.toml": numbered("["+strings.Repeat("a.", 200)+"b%d]\n", maxPyproject)},
		"nesting":     {"pyproject.toml": "a=" + repeated("[", maxPyproject-10)},
		"sources":     {"pyproject.toml": project + numbered("'a%d',", maxPyproject/2) + "]\n[tool.uv.sources]\n" + numbered("a%d.workspace=true\n", maxPyproject/2-100)},
		"a lock": {"pyproject.toml": project + repeated("'a>=2',", maxPyproject/8) + "]\n",
			"uv.lock": "[[package]]\nname='shop'\nsource={virtual='.'}\ndependencies=[" + repeated("{name='a'},", maxLock/64) + "]\n[package.metadata]\nrequires-dist=[" +
				repeated("{name='a',specifier='>=1'},", maxLock/64) + "]\n" + repeated("[[package]]\nname='a'\ndependencies=[{name='a'}]\n", maxLock/64)},
		// One name very often, each of which may be needed only on some nodes.
		"Poetry's versions": {"pyproject.toml": "[tool.poetry.dependencies]\na='*'\n", "poetry.lock": "[metadata]\nlock-version='2.0'\n" +
			numbered("[[package]]\nname='a'\nversion='%d'\n[package.dependencies]\na={version='*',markers=\"python_full_version<'3.11.3'\"}\n", maxLock/8)},
		"Poetry's chain": {"pyproject.toml": "[tool.poetry.dependencies]\na0='*'\n", "poetry.lock": "[metadata]\nlock-version='2.0'\n" +
			chain("[[package]]\nname='a%d'\nversion='1'\n[package.dependencies]\na%d={version='*',markers=\"python_full_version<'3.11.%d'\"}\n", maxLock/8)},
		"PDM's entries": {"pyproject.toml": project + "'a']\n", "pdm.lock": "[metadata]\nlock_version='4.5'\n" +
			numbered("[[package]]\nname='a'\nversion='1.%d'\ndependencies=['a']\n", maxLock/8)},
		"Pipenv's nesting": {"Pipfile.lock": repeated("[", maxLock)},
		"Pipenv's names":   {"Pipfile.lock": `{"_meta":{"pipfile-spec":6},"default":{` + numbered(`"a%d":{"version":"==1","hashes":["sha256:00"]},`, maxLock/8) + `"z":{}}}`},
		"a marker":         {"pylock.toml": "lock-version='1.0'\n[[packages]]\nname='a'\nmarker=\"" + repeated("(", maxLock/4) + "\"\n"},
	} {
		t.Run(what, func(t *testing.T) {
			these := tree
			for _, name := range []string{"Pipfile.lock", "pdm.lock", "poetry.lock", "pylock.toml", "pyproject.toml", "requirements.txt", "uv.lock"} {
				delete(tree.FS.(fstest.MapFS), name)
				if files[name] != "" {
					at, _ := slices.BinarySearchFunc(these.Files, name, func(f source.File, name string) int { return strings.Compare(f.Path, name) })
					these.Files = slices.Insert(slices.Clone(these.Files), at, source.File{Path: name})
					add(name, files[name])
				}
			}
			start := processorTime(t)
			p, _ := LoadPyproject(these)
			_, _ = ReadRequirements(these, p, "3.11")
			if d := processorTime(t) - start; d > time.Minute {
				t.Errorf("it took %v", d)
			}
		})
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
