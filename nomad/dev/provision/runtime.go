package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
)

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
	digest, err := digestOf(wheel, requirements, p.Path(), uv)
	if err != nil {
		return err
	}
	dir := filepath.Join(l.Kit(), "runtime", p.Version())
	stamp := filepath.Join(dir, ".digest")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == digest {
		return nil
	}
	report("%-24s installing", "runtime for Python "+p.Version())
	tmp := dir + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("install runtime: %w", err)
	}
	args := []string{"pip", "install", "--python", p.Path(), "--target", tmp, "--compile-bytecode", "--link-mode", "copy", wheel, "-r", requirements}
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
