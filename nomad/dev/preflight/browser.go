//go:build linux

package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"fngen.dev/fngen/nomad/dev/provision"
)

// browsers are the programs that Chromium has, the smallest first. Debian's packages
// have their names.
var browsers = []string{"chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable"}

// Browser is the path of a Chromium, or nothing.
func Browser() string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// InstallBrowser installs the distribution's Chromium unless there is one: the tests
// look at the Nomad UI with it.
func InstallBrowser(ctx context.Context, report provision.Report) error {
	if Browser() != "" {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New("no Chromium, with which the tests look at the Nomad UI: install it with this system's package manager " +
			"(Debian: apt-get install chromium-headless-shell)")
	}
	report("%-24s installing from the distribution", browsers[0])
	if err := install(ctx, browsers[:1]); err != nil {
		return err
	}
	if Browser() == "" {
		return fmt.Errorf("package %s is installed, and brings no program of that name", browsers[0])
	}
	return nil
}
