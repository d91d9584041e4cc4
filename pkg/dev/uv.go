package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// ErrNoUV is a machine without uv, and without a Python to get it by.
var ErrNoUV = errors.New("uv is missing, which installs what the code needs")

// FindUV finds the installer: named by UV, on PATH, in the tree's .fngen/dev from an
// earlier run, or else from PyPI, which is said before.
func FindUV(ctx context.Context, root string, getenv func(string) string, say func(format string, args ...any)) (string, error) {
	if path := getenv("UV"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("uv"); err == nil {
		return path, nil
	}
	dir, err := workplace(root)
	if err != nil {
		return "", err
	}
	place := filepath.Join(dir, "uv")
	program := filepath.Join(place, "bin", "uv")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	say("installing uv ...")
	return program, fromPyPI(ctx, place)
}

// fromPyPI installs uv by the pip of any Python on PATH. What it leaves behind when it
// is broken off has no program, or a whole one.
func fromPyPI(ctx context.Context, place string) error {
	for _, name := range []string{"python3", "python", "py"} {
		python, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--upgrade", "--target", place, "--only-binary", ":all:", "uv")
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w: pip did not install it: %w\n%s", ErrNoUV, err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	return ErrNoUV
}
