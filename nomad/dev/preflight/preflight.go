//go:build linux

package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/process"
	"fngen.dev/fngen/nomad/dev/provision"
)

// Port is an address that a server of ours listens on.
type Port struct {
	Addr   string
	Server string // the name of its record
	// Variable chooses another address, or is empty.
	Variable string
}

// gigabytes of free disk: servers are built once and need room for Go's cache.
const (
	diskToBuild = 6
	diskToRun   = 2
)

// Check returns every fault of the machine.
func Check(ctx context.Context, l layout.Layout, building bool, ports []Port) error {
	errs := []error{programs(building), cgroups(), accessLists(existingParent(l.DataRoot()))}
	need := uint64(diskToRun)
	if building {
		need = diskToBuild
	}
	errs = append(errs,
		disk(l.Root, diskToRun, "free some space, or clone to a larger disk"),
		disk(existingParent(l.Cache), need, "free some space, or set XDG_CACHE_HOME to a directory of a larger disk"))
	if _, err := provision.System(ctx); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, provision.CanInstall(ctx, l))
	for _, p := range ports {
		errs = append(errs, port(l, p))
	}
	return errors.Join(errs...)
}

func programs(building bool) error {
	var errs []error
	for name, pkg := range map[string]string{"ip": "iproute2"} {
		if _, err := exec.LookPath(name); err != nil {
			errs = append(errs, fmt.Errorf("%s is not installed: apt-get install %s", name, pkg))
		}
	}
	if _, err := exec.LookPath("gcc"); building && err != nil {
		errs = append(errs, errors.New("gcc is not installed, and Nomad's isolation of tasks is built with it: "+
			"apt-get install gcc libc6-dev"))
	}
	return errors.Join(errs...)
}

func cgroups() error {
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		return errors.New("/sys/fs/cgroup is not mounted: Nomad limits memory and CPU with control groups; " +
			"in a container, start it privileged and with the host's cgroups")
	}
	return nil
}

func disk(dir string, gigabytes uint64, help string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("read free space of %s: %w", dir, err)
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if free < gigabytes<<30 {
		return fmt.Errorf("%s has %.1f GB free, and %d GB are needed: %s",
			dir, float64(free)/(1<<30), gigabytes, help)
	}
	return nil
}

// existingParent is the nearest directory that is there.
func existingParent(dir string) string {
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		dir = dir[:max(1, strings.LastIndexByte(dir, '/'))]
	}
	return dir
}

// port must be free, or held by a server of ours. (By which one is not asked:
// an address may change hands when the fleet does.)
func port(l layout.Layout, p Port) error {
	if process.Free(p.Addr) {
		return nil
	}
	holder := process.HolderOf(p.Addr)
	ours, err := process.LoadAll(l.Run())
	if err != nil || slices.ContainsFunc(ours, func(r process.Record) bool { return r.PID == holder.PID }) {
		return err
	}
	help := "stop it"
	if p.Variable != "" {
		help += fmt.Sprintf(", or choose another address with %s=host:port", p.Variable)
	}
	return fmt.Errorf("%s, where %s listens, is held by %s: %s", p.Addr, p.Server, holder, help)
}
