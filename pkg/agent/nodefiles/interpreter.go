// Package nodefiles knows where a node has the files of the platform, such as its Pythons.
package nodefiles

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Default is where a task sees the platform's files of its node.
const Default = "/opt/fngen"

// SearchPath is where programs of the node are.
const SearchPath = "/usr/local/bin:/usr/bin:/bin"

// Interpreter is the node's Python of a version. The platform's files have one name
// for it, whoever installed it on which node, so that a layer finds it on each. A
// node that was set up by hand may do with what is in /usr/bin.
func Interpreter(node, version string) string {
	path := filepath.Join(node, "python", version, "bin", "python"+version)
	if _, err := os.Stat(path); err != nil {
		return "/usr/bin/python" + version
	}
	return path
}

// Lacks is the error of a node that has no such Python, or only a part of it: who
// reads it wants to know which others there are.
func Lacks(node, version string, cause error) error {
	runtimes, _ := filepath.Glob(filepath.Join(node, "runtime", "3.*")) // the pattern is right
	slices.SortFunc(runtimes, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for i, path := range runtimes {
		runtimes[i] = filepath.Base(path)
	}
	return fmt.Errorf("this node lacks a part of Python %s (it has runtimes for: %s): %w", version, strings.Join(runtimes, ", "), cause)
}

var (
	systemPython = regexp.MustCompile(`^/usr/bin/python[0-9.]*$`)
	nodePython   = regexp.MustCompile(`^/python/3\.[0-9]{1,2}/bin/python[0-9.]*$`)
)

// IsInterpreter reports whether a link leads to a Python of a node whose files are at
// node.
func IsInterpreter(target, node string) bool {
	if below, found := strings.CutPrefix(target, node); found && nodePython.MatchString(below) {
		return true
	}
	return systemPython.MatchString(target)
}

// SDKWheel is the platform's own fngen, which every node has.
func SDKWheel(node string) (string, error) {
	wheels, err := filepath.Glob(filepath.Join(node, "wheels", "fngen-*.whl"))
	if err != nil {
		return "", err
	}
	if len(wheels) != 1 {
		return "", fmt.Errorf("this node has %d wheels of the SDK, not one", len(wheels))
	}
	return wheels[0], nil
}
