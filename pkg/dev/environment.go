package dev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	sdk "fngen.dev/fngen/sdk/python"
)

// environment is what the functions of a tree run in.
type environment struct {
	root, project string
	// python has the dependencies of the tree, runtime those of ours.
	python, runtime string
	variables       []string
	// platform is where functions send tasks to.
	platform string
	// origin is what instances are started from.
	origin origin
}

func (e *environment) boot() string {
	return filepath.Join(e.runtime, "fngen", "runtime", "dev", "boot.py")
}

// prepare installs what is missing into .fngen/dev, which is known by what it is
// made of: nothing changes, nothing is done.
func (r *runner) prepare(ctx context.Context, t tree) (*environment, error) {
	p := t.project
	e := &environment{root: r.Root, project: p.Name, python: r.Python, platform: r.platform, variables: t.variables}
	var err error
	if e.python == "" {
		if e.python, err = r.layer(ctx, r.dir, p); err != nil {
			return nil, err
		}
	}
	e.runtime, err = r.sdk(ctx, r.dir, e.python)
	e.origin = origin{t.files, fmt.Sprintf("%q", append([]string{p.Name, e.python, e.runtime}, t.variables...))}
	return e, err
}

// layer makes the virtual environment of the tree, and returns its interpreter.
func (r *runner) layer(ctx context.Context, dir string, p *ir.Project) (string, error) {
	steps, err := steps(p)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %q\n", p.Python, steps) // of which one says that there is bytecode
	for _, file := range p.Dependencies.Files {
		data, err := os.ReadFile(filepath.Join(r.Root, filepath.FromSlash(file)))
		if err != nil {
			return "", fmt.Errorf("read requirements: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s\n", file, len(data), data)
	}
	place := filepath.Join(dir, fmt.Sprintf("layer-%.12x", h.Sum(nil)))
	python := filepath.Join(place, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(place, "Scripts", "python.exe")
	}
	return python, r.once(place, "dependencies", func() error {
		excludes := filepath.Join(dir, "excludes.txt")
		if err := os.WriteFile(excludes, []byte("fngen\n"), 0o644); err != nil {
			return fmt.Errorf("write excludes: %w", err)
		}
		if err := r.uv(ctx, place, "venv", "--clear", "--python", p.Python, place); err != nil {
			return err
		}
		for _, step := range steps {
			for i := range step {
				step[i] = strings.NewReplacer("{python}", python, "{excludes}", excludes).Replace(step[i])
			}
			if err := r.uv(ctx, place, step...); err != nil {
				return err
			}
		}
		return nil
	})
}

// steps are what uv is to be run with, as on the platform.
func steps(p *ir.Project) ([][]string, error) {
	d := p.Dependencies
	pip := []string{"pip", "install", "--compile-bytecode", "--python", "{python}", "--excludes", "{excludes}"}
	switch {
	case len(d.Files) == 0 && len(d.Provided) == 0:
		return nil, nil
	case len(d.Files) > 0 && d.Files[0] == "uv.lock":
		return [][]string{{"sync", "--compile-bytecode", "--frozen", "--inexact", "--no-dev", "--no-install-project", "--no-install-package", "fngen", "--python", "{python}"}}, nil
	case d.Digest != "":
		return nil, fmt.Errorf("fngen dev does not install from %s yet: make the environment yourself, and name its interpreter: fngen dev --python PATH", d.Files[0])
	}
	for _, f := range d.Files {
		pip = append(pip, "-r", f)
	}
	return [][]string{append(append(pip, "--"), d.Provided...)}, nil
}

// sdk writes the runtime of this program, and installs what it serves with.
func (r *runner) sdk(ctx context.Context, dir, python string) (string, error) {
	h := sha256.New()
	h.Write(sdk.Requirements)
	fmt.Fprintln(h, python, "with bytecode")
	sources := map[string][]byte{}
	err := fs.WalkDir(sdk.Sources, "src/fngen", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := sdk.Sources.ReadFile(name)
		sources[strings.TrimPrefix(name, "src/")] = data
		fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(data))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the runtime: %w", err)
	}
	place := filepath.Join(dir, fmt.Sprintf("runtime-%.12x", h.Sum(nil)))
	return place, r.once(place, "the runtime", func() error {
		for name, data := range sources {
			path := filepath.Join(place, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				return err
			}
		}
		requirements := filepath.Join(place, "requirements.txt")
		if err := os.WriteFile(requirements, sdk.Requirements, 0o644); err != nil {
			return err
		}
		err := r.uv(ctx, place, "pip", "install", "--compile-bytecode", "--python", python, "--target", place, "--require-hashes", "-r", requirements)
		if err != nil {
			return err
		}
		return compiled(ctx, python, filepath.Join(place, "fngen"))
	})
}

// once makes a directory, which is whole when it says so.
func (r *runner) once(place, what string, make func() error) error {
	whole := filepath.Join(place, ".complete")
	if _, err := os.Stat(whole); err == nil {
		return nil
	}
	r.Say("installing %s ...", what)
	if err := os.RemoveAll(place); err != nil {
		return fmt.Errorf("install %s: %w", what, err)
	}
	if err := make(); err != nil {
		return fmt.Errorf("install %s: %w", what, err)
	}
	return os.WriteFile(whole, nil, 0o644)
}

// compiled has Python make bytecode of what is below a directory, so that no start does.
func compiled(ctx context.Context, python, dir string) error {
	out, err := exec.CommandContext(ctx, python, "-m", "compileall", "-q", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile %s: %w\n%s", dir, err, bytes.TrimSpace(out))
	}
	return nil
}

// uv runs the installer; what it says is the error when it fails.
func (r *runner) uv(ctx context.Context, environment string, args ...string) error {
	cmd := exec.CommandContext(ctx, r.UV, append([]string{"--quiet", "--no-progress", "--color", "never"}, args...)...)
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "UV_PROJECT_ENVIRONMENT="+environment)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("uv %s: %w\n%s", args[0], err, strings.TrimSpace(out.String()))
	}
	return nil
}
