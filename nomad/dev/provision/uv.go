package provision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/nomad/dev/layout"
)

// UVVersion is the version of uv that builds layers. It is part of a layer's
// key, and stands here only.
const UVVersion = "0.13.9"

// UV returns the path of the pinned uv, which it installs once per user. uv is
// on the package index as a wheel with a static binary.
func UV(ctx context.Context, l layout.Layout, report Report) (string, error) {
	dir := filepath.Join(l.Cache, "uv-"+UVVersion)
	path := filepath.Join(dir, "bin", "uv")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	report("%-24s downloading %s", "uv", UVVersion)
	if err := os.MkdirAll(l.Cache, 0o755); err != nil {
		return "", fmt.Errorf("create cache: %w", err)
	}
	tmp, err := os.MkdirTemp(l.Cache, "uv-")
	if err != nil {
		return "", fmt.Errorf("install uv: %w", err)
	}
	defer os.RemoveAll(tmp)
	python, err := pip(ctx, filepath.Join(tmp, "venv"))
	if err != nil {
		return "", err
	}
	target := filepath.Join(tmp, "uv")
	out, err := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--no-deps",
		"--disable-pip-version-check", "--target", target, "uv=="+UVVersion).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("install uv %s: %w\n%s", UVVersion, err, out)
	}
	if err := os.Rename(target, dir); err != nil {
		if _, statErr := os.Stat(path); statErr == nil { // another make was faster
			return path, nil
		}
		return "", fmt.Errorf("install uv: %w", err)
	}
	return path, nil
}

// pip returns a Python that can run pip, if need be that of a new virtual
// environment in venv.
func pip(ctx context.Context, venv string) (string, error) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, python, "-m", "pip", "--version").Run() == nil {
			return python, nil
		}
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, python, "-m", "venv", venv).Run() == nil {
			return filepath.Join(venv, "bin", "python"), nil
		}
	}
	return "", fmt.Errorf("python3 has neither pip nor venv, and one is needed to install uv: " +
		"apt-get install python3-venv")
}

// CanInstall reports whether uv is there or can be installed.
func CanInstall(ctx context.Context, l layout.Layout) error {
	if _, err := os.Stat(filepath.Join(l.Cache, "uv-"+UVVersion, "bin", "uv")); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp("", "fngen-venv-")
	if err != nil {
		return fmt.Errorf("create temporary directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	_, err = pip(ctx, filepath.Join(tmp, "venv"))
	return err
}

// Command prepares a run of uv on this machine, with the machine's settings for
// package indexes. The cache is shared; the environment is the checkout's,
// whose SDK is installed into it.
func Command(ctx context.Context, l layout.Layout, uv string, args ...string) (*exec.Cmd, error) {
	settings, err := hostBuildEnv(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, uv, args...)
	cmd.Env = append(os.Environ(), settings...)
	cmd.Env = append(cmd.Env, "UV_CACHE_DIR="+filepath.Join(l.Cache, "uv-cache"),
		"UV_PROJECT_ENVIRONMENT="+filepath.Join(l.Dev(), "sdk-venv"), "UV_PYTHON_DOWNLOADS=never", "UV_NO_PROGRESS=1")
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
