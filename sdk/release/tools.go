package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tools are programs of others, pinned each by a module of its own below tools.
type tools struct{ dir, nfpm, cyclonedx string }

// buildTools builds them. They are of the machine that releases, whatever GOOS says.
func buildTools(ctx context.Context, root string) (tools, error) {
	dir, err := os.MkdirTemp("", "fngen-release-tools-")
	if err != nil {
		return tools{}, fmt.Errorf("make directory for tools: %w", err)
	}
	t := tools{dir, filepath.Join(dir, "nfpm"), filepath.Join(dir, "cyclonedx-gomod")}
	for path, pkg := range map[string]string{t.nfpm: "github.com/goreleaser/nfpm/v2/cmd/nfpm", t.cyclonedx: "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"} {
		module, _, _ := strings.Cut(filepath.Base(path), "-")
		cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(root, "sdk", "release", "tools", module),
			"-trimpath", "-gcflags=all=-dwarf=false", "-buildvcs=false", "-o", path, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return tools{}, fmt.Errorf("build %s: %w\n%s", module, err, out)
		}
	}
	return t, nil
}

// written is when a bill of materials was made, which the tool does not leave out.
var written = regexp.MustCompile(`"timestamp": "[^"]*"`)

// contents are the modules in a program, as a bill of materials of CycloneDX, without a
// random number, and with the day of the release for its time.
func (t tools) contents(ctx context.Context, program string, r *release) ([]byte, error) {
	data, err := output(ctx, t.cyclonedx, "bin", "-json", "-noserial", "-std", "-version", "v"+r.version, program)
	return written.ReplaceAll(data, []byte(`"timestamp": "`+r.notes.at()+`"`)), err
}

// packaged is a program to be made a package.
type packaged struct {
	r                          *release
	format, arch, program, dir string
}

// pack makes a package, and its name.
func (t tools) pack(ctx context.Context, p packaged) (string, []byte, error) {
	config := filepath.Join(p.dir, "nfpm.yaml")
	root, err := filepath.Abs(p.r.root)
	if err != nil {
		return "", nil, err
	}
	day := p.r.notes.at()
	text := strings.NewReplacer("{arch}", p.arch, "{version}", p.r.version, "{day}", day, "{program}", p.program, "{root}", root, "{description}", strconv.Quote(p.r.project.Description)).Replace(packageConfig)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return "", nil, fmt.Errorf("write nfpm.yaml: %w", err)
	}
	arch := p.arch
	if p.format == "rpm" {
		arch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[p.arch]
	}
	name := fmt.Sprintf("fngen_%s_%s.%s", p.r.version, arch, p.format)
	path := filepath.Join(p.dir, name)
	if _, err := output(ctx, t.nfpm, "package", "--config", config, "--packager", p.format, "--target", path); err != nil {
		return "", nil, err
	}
	data, err := os.ReadFile(path)
	return name, data, err
}

// packageConfig is what nfpm is told. All of it has the day of the release, and no package
// the name of the machine that made it.
const packageConfig = `name: fngen
arch: {arch}
platform: linux
version: {version}
section: devel
priority: optional
maintainer: fngen <release@fngen.dev>
description: {description}
homepage: https://fngen.dev
license: Apache-2.0
mtime: {day}
rpm:
  buildhost: fngen.dev
contents:
  - src: {program}
    dst: /usr/bin/fngen
    file_info: {mode: 0755, mtime: {day}}
  - src: {root}/LICENSE
    dst: /usr/share/doc/fngen/copyright
    file_info: {mode: 0644, mtime: {day}}
`

// output runs a tool and returns what it writes.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", filepath.Base(name), err, talk.String(), out.String())
	}
	return out.Bytes(), nil
}
