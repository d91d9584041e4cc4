package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/sdk/wheel"
)

// release is one run.
type release struct {
	options
	project *wheel.Project
	notes   notes
	tools   tools
	made    []string // lines of SHA256SUMS
}

// wheels makes nothing but wheels, of whatever version the checkout has.
func (r *release) wheels(ctx context.Context, targets []wheel.Target) error {
	for _, t := range targets {
		if _, err := r.wheel(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// all makes every file.
func (r *release) all(ctx context.Context, targets []wheel.Target) error {
	if r.version != r.project.Version {
		return fmt.Errorf("the version is %s in sdk/python/pyproject.toml: write %s there, in sdk/python/src/fngen/__init__.py and in compiler/ir/version.go first", r.project.Version, r.version)
	}
	var err error
	if r.notes, err = readNotes(r.root, r.version); err != nil {
		return err
	}
	if r.tools, err = buildTools(ctx, r.root); err != nil {
		return err
	}
	defer os.RemoveAll(r.tools.dir)
	for _, t := range targets {
		program, err := r.wheel(ctx, t)
		if err == nil && t.OS != "" {
			err = r.forPlatform(ctx, t, program)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name(), err)
		}
	}
	if err := r.write("notes.md", []byte(r.notes.text)); err != nil {
		return err
	}
	slices.SortFunc(r.made, func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) })
	return r.write("SHA256SUMS", []byte(strings.Join(r.made, "")))
}

// wheel makes the wheel of a platform, and returns the program in it.
func (r *release) wheel(ctx context.Context, t wheel.Target) (program []byte, err error) {
	if t.OS != "" {
		if program, err = t.Build(ctx, r.root); err != nil {
			return nil, err
		}
	}
	name, data, err := r.project.Wheel(t, program)
	if err != nil {
		return nil, err
	}
	return program, r.write(name, data)
}

// forPlatform makes what else there is for a platform: an archive of the program, what is
// in it, and packages where there are some.
func (r *release) forPlatform(ctx context.Context, t wheel.Target, program []byte) error {
	name, data, err := r.archive(t, program)
	if err == nil {
		err = r.write(name, data)
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fngen-release-")
	if err != nil {
		return fmt.Errorf("make directory for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, t.Program())
	if err := os.WriteFile(path, program, 0o755); err != nil {
		return fmt.Errorf("write program: %w", err)
	}
	contents, err := r.tools.contents(ctx, path, r)
	if err != nil {
		return err
	}
	if err := r.write(r.name(t)+".cdx.json", contents); err != nil {
		return err
	}
	if t.OS != "linux" {
		return nil
	}
	for _, format := range []string{"deb", "rpm"} {
		name, data, err := r.tools.pack(ctx, packaged{r: r, format: format, arch: t.Arch, program: path, dir: dir})
		if err == nil {
			err = r.write(name, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// name is how the files of a platform begin.
func (r *release) name(t wheel.Target) string {
	return fmt.Sprintf("fngen_%s_%s_%s", r.version, t.OS, t.Arch)
}

// write writes a file, and prints its sum and name.
func (r *release) write(name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(r.out, name), data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)
	r.made = append(r.made, line)
	_, err := fmt.Print(line)
	return err
}
