package kit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
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
			minor, err := strconv.Atoi(m[1])
			path := filepath.Join(dir, e.Name())
			if err == nil && minor >= oldestPython && usable(ctx, path) {
				found[minor] = path
			}
		}
	}
	var pythons []Python
	for minor, path := range found {
		pythons = append(pythons, Python{Version: fmt.Sprintf("3.%d", minor), Path: path})
	}
	sort.Slice(pythons, func(i, j int) bool { return found3(pythons[i]) < found3(pythons[j]) })
	if len(pythons) == 0 {
		return nil, fmt.Errorf("no Python 3.%d or newer below /usr, where tasks look for it: apt-get install python3", oldestPython)
	}
	return pythons, nil
}

func found3(p Python) int {
	minor, _ := strconv.Atoi(strings.TrimPrefix(p.Version, "3.")) // made from a number
	return minor
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

// buildWheel builds the SDK when its sources differ from those of the wheel
// that is there, and returns the wheel.
func buildWheel(ctx context.Context, l layout.Layout, uv string, report Report) (string, error) {
	source := filepath.Join(l.Root, "sdk", "python")
	dir := filepath.Join(l.Kit(), "wheels")
	digest, err := sourceDigest(source)
	if err != nil {
		return "", err
	}
	stamp := filepath.Join(l.Kit(), ".wheel")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == digest {
		if wheels, _ := filepath.Glob(filepath.Join(dir, "fngen-*.whl")); len(wheels) == 1 {
			return wheels[0], nil
		}
	}
	report("%-24s building", "sdk/python")
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", fmt.Errorf("build wheel: %w", err)
	}
	if err := runUV(ctx, l, uv, "build", "--wheel", "--no-create-gitignore", "--out-dir", tmp, source); err != nil {
		return "", err
	}
	if err := replaceDir(tmp, dir); err != nil {
		return "", err
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "fngen-*.whl"))
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("build wheel: want one wheel in %s, found %d", dir, len(wheels))
	}
	return wheels[0], os.WriteFile(stamp, []byte(digest), 0o644)
}

// installRuntime installs the SDK and what serves it for one Python, when the
// wheel, the requirements or the interpreter changed.
func installRuntime(ctx context.Context, l layout.Layout, uv string, p Python, wheel string, report Report) error {
	requirements := filepath.Join(l.Root, "sdk", "python", "runtime-requirements.txt")
	digest, err := digestOf(wheel, requirements, p.Path, uv)
	if err != nil {
		return err
	}
	dir := filepath.Join(l.Kit(), "runtime", p.Version)
	stamp := filepath.Join(dir, ".digest")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == digest {
		return nil
	}
	report("%-24s installing", "runtime for Python "+p.Version)
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("install runtime: %w", err)
	}
	args := []string{"pip", "install", "--python", p.Path, "--target", tmp, "--compile-bytecode", "--link-mode", "copy", wheel, "-r", requirements}
	if err := runUV(ctx, l, uv, args...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, ".digest"), []byte(digest), 0o644); err != nil {
		return fmt.Errorf("install runtime: %w", err)
	}
	return replaceDir(tmp, dir)
}

// replaceDir puts a new directory in place of an old one. Processes that opened
// files of the old one keep them; what imports lazily after that moment may
// read the new one.
func replaceDir(tmp, dir string) error {
	old := dir + ".old"
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	if err := os.Rename(dir, old); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	return os.RemoveAll(old)
}

// Command prepares a run of uv on this machine, with the machine's settings for
// package indexes, and with cache and environments in the user's cache.
func Command(ctx context.Context, l layout.Layout, uv string, args ...string) (*exec.Cmd, error) {
	settings, err := hostBuildEnv(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, uv, args...)
	cmd.Env = append(os.Environ(), settings...)
	cmd.Env = append(cmd.Env, "UV_CACHE_DIR="+filepath.Join(l.Cache, "uv-cache"),
		"UV_PROJECT_ENVIRONMENT="+filepath.Join(l.Cache, "sdk-venv"), "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1")
	return cmd, nil
}

func runUV(ctx context.Context, l layout.Layout, uv string, args ...string) error {
	cmd, err := Command(ctx, l, uv, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run uv %s: %w\n%s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}

// sourceDigest covers names and contents of what is built, not what a build or
// a test leaves behind.
func sourceDigest(dir string) (string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != dir && skipped(e.Name()) {
			return fs.SkipDir
		}
		if e.Type().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read sdk: %w", err)
	}
	return digestOf(files...)
}

func skipped(dir string) bool {
	return strings.HasPrefix(dir, ".") || slices.Contains([]string{"__pycache__", "tests", "dist", "build"}, dir) ||
		strings.HasSuffix(dir, ".egg-info")
}

func digestOf(files ...string) (string, error) {
	h := sha256.New()
	for _, path := range files {
		sum, err := fileDigest(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %s\n", path, sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
