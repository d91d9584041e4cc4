//go:build linux

package preflight

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"fngen.dev/fngen/nomad/dev/provision"
)

// pythons installs those of the versions that the distribution has. The platform
// does without any of them, so no failure is one of ours.
func pythons(ctx context.Context, versions []string, report provision.Report) {
	if _, err := exec.LookPath("apt-get"); err != nil || len(versions) == 0 || os.Geteuid() != 0 {
		return
	}
	args := []string{"policy"}
	for _, version := range versions {
		args = append(args, "python"+version)
	}
	cmd := exec.CommandContext(ctx, "apt-cache", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return // no lists: nothing that could be installed
	}
	packages := candidates(string(out))
	if len(packages) == 0 {
		return
	}
	list := strings.Join(packages, " ")
	report("%-24s installing from the distribution", list)
	if err := install(ctx, packages); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		report("%-24s not installed: %s", list, first)
	}
}

// candidates are the packages of `apt-cache policy` that can be installed:
//
//	python3.12:
//	  Installed: (none)
//	  Candidate: 3.12.3-1ubuntu0.8
func candidates(policy string) []string {
	var packages []string
	name := ""
	for line := range strings.Lines(policy) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, " ") {
			name = strings.TrimSuffix(line, ":")
		}
		version, found := strings.CutPrefix(line, "  Candidate: ")
		if found && version != "(none)" && name != "" {
			packages = append(packages, name)
		}
	}
	return packages
}
