package provision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"fngen.dev/fngen/nomad/dev/layout"
)

// pyodides are CPython 3.14 and the alpha of 3.15 in WebAssembly: the newest
// parsers of Python that can be had without a package index for Python.
var pyodides = []string{"314.0.7", "315.0.0-alpha.2"}

// Pyodide installs what the tests of the compiler compare with, once per user. On
// a machine without node and npm, or without their registry, it says so and does
// nothing: those tests are skipped then.
func Pyodide(ctx context.Context, l layout.Layout, report Report) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			report("%-24s not installed, since %s is missing: the newest syntax is compared with nothing", "pyodide", program)
			return nil
		}
	}
	tools := filepath.Join(l.Cache, "tools")
	if err := os.MkdirAll(tools, 0o755); err != nil {
		return fmt.Errorf("create cache: %w", err)
	}
	for _, version := range pyodides {
		dir := filepath.Join(tools, "pyodide-"+version)
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		report("%-24s downloading %s", "pyodide", version)
		if err := installPyodide(ctx, tools, dir, version); err != nil {
			report("%-24s not installed: %v", "pyodide", err)
		}
	}
	return nil
}

func installPyodide(ctx context.Context, tools, dir, version string) error {
	tmp, err := os.MkdirTemp(tools, "pyodide-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	out, err := exec.CommandContext(ctx, "npm", "install", "--prefix", tmp, "--no-audit", "--no-fund", "--ignore-scripts",
		"--loglevel=error", "pyodide@"+version).CombinedOutput()
	if err != nil {
		return fmt.Errorf("npm install pyodide@%s: %w\n%s", version, err, out)
	}
	if err := os.Rename(filepath.Join(tmp, "node_modules", "pyodide"), dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil { // another make was faster
			return nil
		}
		return err
	}
	return nil
}
