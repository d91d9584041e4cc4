package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// target is one platform. The zero one is that of the wheel without a program.
type target struct {
	os, arch string
	// tags are the platform tags of PEP 425. The program is static, so that one file
	// is for glibc and for musl, of any version.
	tags []string
}

var targets = []target{
	{"linux", "amd64", []string{"manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_1_x86_64"}},
	{"linux", "arm64", []string{"manylinux_2_17_aarch64", "manylinux2014_aarch64", "musllinux_1_1_aarch64"}},
	{"darwin", "amd64", []string{"macosx_12_0_x86_64"}}, // the oldest that Go 1.26 runs on
	{"darwin", "arm64", []string{"macosx_12_0_arm64"}},
	{"windows", "amd64", []string{"win_amd64"}},
	{"windows", "arm64", []string{"win_arm64"}},
	{tags: []string{"any"}},
}

func (t target) name() string {
	if t.os == "" {
		return "any"
	}
	return t.os + "/" + t.arch
}

// program is what the script is called.
func (t target) program() string {
	if t.os == "windows" {
		return "fngen.exe"
	}
	return "fngen"
}

// build compiles fngen for the platform and returns the file's bytes.
func (t target) build(ctx context.Context, root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "fngen-wheel-")
	if err != nil {
		return nil, fmt.Errorf("make directory for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, t.program())
	// The first flags are those of the Makefile, so that what is compiled is shared.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-gcflags=all=-dwarf=false",
		"-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", path, "./cmd/fngen")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build fngen: %w\n%s", err, out)
	}
	return os.ReadFile(path)
}
