// Package build finds the servers of the one-machine cluster: on PATH when the
// version fits, else built from the pinned module into the user's cache.
package build

import (
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

// Tool is a server that is built from source.
type Tool struct {
	Name string
	// CPUMinutes is what a build with an empty cache takes, measured on one
	// core of a small cloud machine.
	CPUMinutes float64
	// Tags choose what is compiled in.
	Tags string
	// LeftOut are modules of which files of nomad/dev/tools/overlay take the place.
	LeftOut []string
	// CGO is needed by Nomad only: its exec driver enters namespaces from C,
	// before the Go runtime has threads.
	CGO bool
	// VersionArgs print the version.
	VersionArgs []string
	// VersionVar is the variable that the linker gives the version, without the v, where
	// the source does not name it: one that prints none is not found on PATH.
	VersionVar string
}

// discover asks clouds where servers are.
const discover = "github.com/hashicorp/go-discover"

// Tools lists the servers in the order in which they start: what is first is
// built first, and starts while the others are compiled.
func Tools() []Tool {
	return []Tool{
		{Name: "consul", CPUMinutes: 5, LeftOut: []string{discover}, VersionArgs: []string{"version"}},
		// The module carries the built UI; without the tag it is left out.
		{Name: "nomad", CPUMinutes: 7, Tags: "ui", CGO: true, LeftOut: []string{discover}, VersionArgs: []string{"version"}},
		// minimal leaves out database engines and clouds, and keeps kv, jwt, pki,
		// transit and approle: two thirds of the packages.
		{Name: "vault", CPUMinutes: 7, Tags: "minimal", LeftOut: []string{discover}, VersionArgs: []string{"version"}},
		{Name: "traefik", CPUMinutes: 5, LeftOut: []string{"github.com/go-acme/lego/v4", "github.com/traefik/traefik/v3"},
			VersionArgs: []string{"version"}, VersionVar: "github.com/traefik/traefik/v3/pkg/version.Version"},
		{Name: "loki", CPUMinutes: 8,
			VersionArgs: []string{"--version"}, VersionVar: "github.com/grafana/loki/v3/pkg/util/build.Version"},
	}
}

func (t Tool) linkFlags(pin Pin) string {
	if t.VersionVar == "" {
		return stripped
	}
	return stripped + " -X " + t.VersionVar + "=" + strings.TrimPrefix(pin.Version, "v")
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
