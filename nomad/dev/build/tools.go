// Package build finds the servers of the one-machine cluster: on PATH when the
// version fits, else built from the pinned module into the user's cache.
package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"fngen.dev/fngen/nomad/dev/layout"
)

// Tool is a server that is built from source.
type Tool struct {
	Name string
	// CPUMinutes is what a build with an empty cache takes, measured on one
	// core of a small cloud machine.
	CPUMinutes float64
	// Tags choose what is compiled in.
	Tags string
	// CGO is needed by Nomad only: its exec driver enters namespaces from C,
	// before the Go runtime has threads.
	CGO bool
	// VersionArgs print the version.
	VersionArgs []string
}

// Tools lists the servers in the order in which they start: what is first is
// built first, and starts while the others are compiled.
func Tools() []Tool {
	return []Tool{
		{Name: "consul", CPUMinutes: 5, VersionArgs: []string{"version"}},
		// The module carries the built UI; without the tag it is left out.
		{Name: "nomad", CPUMinutes: 7, Tags: "ui", CGO: true, VersionArgs: []string{"version"}},
		// minimal leaves out database engines and clouds, and keeps kv, jwt, pki,
		// transit and approle: two thirds of the packages.
		{Name: "vault", CPUMinutes: 7, Tags: "minimal", VersionArgs: []string{"version"}},
		{Name: "traefik", CPUMinutes: 8, VersionArgs: []string{"version"}},
		{Name: "loki", CPUMinutes: 8, VersionArgs: []string{"--version"}},
	}
}

// Pin is what a tool's go.mod asks for.
type Pin struct {
	// Package is the main package, Version that of its module.
	Package string
	Version string
	// Dir holds go.mod and go.sum.
	Dir string
	// Digest of go.mod and the tags: replace lines and tags change a build as
	// versions do.
	Digest string
}

// ReadPin reads the pin of one tool.
func ReadPin(l layout.Layout, t Tool) (Pin, error) {
	path := filepath.Join(l.Tool(t.Name), "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Pin{}, fmt.Errorf("read pin of %s: %w", t.Name, err)
	}
	return parsePin(path, raw, t.Tags)
}

func parsePin(path string, raw []byte, tags string) (Pin, error) {
	mod, err := modfile.Parse(path, raw, nil)
	if err != nil {
		return Pin{}, fmt.Errorf("read pin: %w", err)
	}
	if len(mod.Tool) != 1 {
		return Pin{}, fmt.Errorf("read pin: %s has %d tool lines, want one", path, len(mod.Tool))
	}
	sum := sha256.Sum256(append(raw, tags...))
	pin := Pin{Package: mod.Tool[0].Path, Dir: filepath.Dir(path), Digest: hex.EncodeToString(sum[:])}
	longest := ""
	for _, r := range mod.Require {
		p := r.Mod.Path
		if (pin.Package == p || strings.HasPrefix(pin.Package, p+"/")) && len(p) > len(longest) {
			longest, pin.Version = p, r.Mod.Version
		}
	}
	if pin.Version == "" {
		return Pin{}, fmt.Errorf("read pin: %s requires no module of %s", path, pin.Package)
	}
	return pin, nil
}

// versionPattern finds the version in what a server says of itself.
var versionPattern = regexp.MustCompile(`\bv?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)`)

// Fits reports whether an installed version can stand for the pinned one: same
// major and minor, and not an older patch.
func Fits(installed, pinned string) bool {
	installed, pinned = canonical(installed), canonical(pinned)
	return semver.IsValid(installed) && semver.Prerelease(installed) == "" &&
		semver.MajorMinor(installed) == semver.MajorMinor(pinned) &&
		semver.Compare(installed, pinned) >= 0
}

func canonical(v string) string { return "v" + strings.TrimPrefix(v, "v") }

// Minutes estimates the wall clock of building these tools on a machine with that
// many cores.
func Minutes(tools []Tool, cores int) float64 {
	var sum, longest float64
	for _, t := range tools {
		sum += t.CPUMinutes
		longest = max(longest, t.CPUMinutes)
	}
	// One build scales to about four cores before it waits for its linker.
	return max(sum/float64(max(1, cores)), longest/float64(max(1, min(cores, 4))))
}
