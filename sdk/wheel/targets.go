package wheel

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Target is one platform. The zero one is that of the wheel without a program.
type Target struct {
	OS, Arch string
	// tags are the platform tags of PEP 425. The program is static, so that one file
	// is for glibc and for musl, of any version.
	tags []string
}

// Targets are all platforms, the one without a program last.
var Targets = []Target{
	{"linux", "amd64", []string{"manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_1_x86_64"}},
	{"linux", "arm64", []string{"manylinux_2_17_aarch64", "manylinux2014_aarch64", "musllinux_1_1_aarch64"}},
	{"darwin", "amd64", []string{"macosx_12_0_x86_64"}}, // the oldest that Go 1.26 runs on
	{"darwin", "arm64", []string{"macosx_12_0_arm64"}},
	{"windows", "amd64", []string{"win_amd64"}},
	{"windows", "arm64", []string{"win_arm64"}},
	{tags: []string{"any"}},
}

// Name is the platform as Go has it, such as linux/amd64, or any.
func (t Target) Name() string {
	if t.OS == "" {
		return "any"
	}
	return t.OS + "/" + t.Arch
}

// Program is what the program is called.
func (t Target) Program() string {
	if t.OS == "windows" {
		return "fngen.exe"
	}
	return "fngen"
}

// Build compiles fngen for the platform and returns the file's bytes.
func (t Target) Build(ctx context.Context, root string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "fngen-wheel-")
	if err != nil {
		return nil, fmt.Errorf("make directory for the program: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, t.Program())
	// The first flags are those of the Makefile, so that what is compiled is shared.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-gcflags=all=-dwarf=false",
		"-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", path, "./cmd/fngen")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.OS, "GOARCH="+t.Arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build fngen: %w\n%s", err, out)
	}
	return os.ReadFile(path)
}
