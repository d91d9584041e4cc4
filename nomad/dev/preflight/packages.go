//go:build linux

package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/nomad/agents/network"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/provision"
)

// RabbitServer is where the package of Debian and Ubuntu puts the server.
const RabbitServer = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// policy is what invoke-rc.d asks before it starts a service; 101 is "no".
const policyFile = "/usr/sbin/policy-rc.d"

// Packages installs those that the distribution has: RabbitMQ, what networks of
// allocations are made with, a Python below /usr when there is none, the Pythons that
// are wanted, and PostgreSQL for the tests.
func Packages(ctx context.Context, l layout.Layout, w provision.Wanted, report provision.Report) error {
	var missing []string
	if _, err := os.Stat(RabbitServer); err != nil {
		missing = append(missing, "rabbitmq-server")
	}
	if _, err := os.Stat(filepath.Join(network.Plugins, "ptp")); err != nil {
		missing = append(missing, "containernetworking-plugins")
	}
	if _, err := exec.LookPath("iptables"); err != nil {
		missing = append(missing, "iptables")
	}
	system, err := provision.System(ctx)
	if err != nil {
		missing = append(missing, "python3")
	}
	if err := required(ctx, missing, report); err != nil {
		return err
	}
	pythons(ctx, provision.Lacking(l, w, system), report)
	return postgres(ctx, report)
}

// postgres installs the database that the tests hold the store to. The cluster itself
// does without it, so that a system which has none is told and no more; the service
// that the package makes is not this cluster's.
func postgres(ctx context.Context, report provision.Report) error {
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); err != nil || len(found) > 0 {
		return err
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return nil
	}
	report("%-24s installing from the distribution", "postgresql")
	if err := install(ctx, []string{"postgresql"}); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		report("%-24s not installed: %s", "postgresql", first)
		return nil
	}
	return disable(ctx, "postgresql")
}

// required installs what nothing works without.
func required(ctx context.Context, missing []string, report provision.Report) error {
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("not installed: %s; install it with this system's package manager "+
			"(Debian and Ubuntu: apt-get install %s)", list, list)
	}
	report("%-24s installing from the distribution", list)
	if err := install(ctx, missing); err != nil {
		return err
	}
	if !slices.Contains(missing, "rabbitmq-server") {
		return nil
	}
	return disable(ctx, "rabbitmq-server")
}

// disable keeps a service that we installed from taking the ports at the next
// boot.
func disable(ctx context.Context, service string) error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil // not a machine that starts services this way
	}
	if out, err := exec.CommandContext(ctx, "systemctl", "disable", service).CombinedOutput(); err != nil {
		return fmt.Errorf("disable service %s: %w\n%s", service, err, out)
	}
	return nil
}

// install does not let the packages start services: the cluster has nodes of
// its own.
func install(ctx context.Context, packages []string) (err error) {
	if _, statErr := os.Stat(policyFile); errors.Is(statErr, os.ErrNotExist) {
		if err := os.WriteFile(policyFile, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", policyFile, err)
		}
		defer func() { err = errors.Join(err, os.Remove(policyFile)) }()
	}
	args := append([]string{"install", "--yes", "--quiet", "--no-install-recommends"}, packages...)
	if _, err := apt(ctx, args...); err == nil {
		return nil
	}
	// The lists may be old or not there at all.
	if out, err := apt(ctx, "update", "--quiet"); err != nil {
		return fmt.Errorf("run apt-get update: %w\n%s", err, out)
	}
	if out, err := apt(ctx, args...); err != nil {
		return fmt.Errorf("run apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func apt(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd.CombinedOutput()
}
