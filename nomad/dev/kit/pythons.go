package kit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Python is an interpreter below /usr, the only place that tasks see.
type Python struct {
	Version string // "3.11"
	Path    string
}

// oldestPython is the first minor version of Python 3 that the SDK supports.
const oldestPython = 9

var pythonName = regexp.MustCompile(`^python3\.(\d+)$`)

// Pythons finds the interpreters that tasks can use, the oldest first.
func Pythons(ctx context.Context) ([]Python, error) {
	found := map[int]string{}
	for _, dir := range []string{"/usr/local/bin", "/usr/bin"} { // the later wins: the distribution's
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			m := pythonName.FindStringSubmatch(e.Name())
			if m == nil {
				continue
			}
			n, err := strconv.Atoi(m[1])
			path := filepath.Join(dir, e.Name())
			if err == nil && n >= oldestPython && usable(ctx, path) {
				found[n] = path
			}
		}
	}
	var pythons []Python
	for n, path := range found {
		pythons = append(pythons, Python{Version: fmt.Sprintf("3.%d", n), Path: path})
	}
	sort.Slice(pythons, func(i, j int) bool { return minor(pythons[i]) < minor(pythons[j]) })
	if len(pythons) == 0 {
		return nil, fmt.Errorf("no Python 3.%d or newer below /usr, where tasks look for it: apt-get install python3", oldestPython)
	}
	return pythons, nil
}

func minor(p Python) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(p.Version, "3.")) // made from a number
	return n
}

// usable reports whether the interpreter and its library lie below /usr, as a
// link to another place would not work in a task.
func usable(ctx context.Context, path string) bool {
	out, err := exec.CommandContext(ctx, path, "-I", "-c",
		"import os, sys, ssl; print(os.path.realpath(sys.executable)); print(os.path.realpath(os.__file__))").Output()
	if err != nil {
		return false
	}
	for _, line := range strings.Fields(string(out)) {
		if !strings.HasPrefix(line, "/usr/") {
			return false
		}
	}
	return true
}
