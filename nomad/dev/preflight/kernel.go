//go:build linux

package preflight

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/nomad/dev/provision"
)

// Kernel says what this machine cannot give to keep projects apart, a line for each
// thing. docs/operating.md says what it means.
func Kernel(report provision.Report) {
	for _, gap := range gaps("/proc/sys") {
		report("%-24s %s", "this kernel", gap)
	}
}

// gaps lists what the kernel does not have or is told not to give; sys is the
// directory of its settings.
func gaps(sys string) []string {
	is := func(setting, value string) bool {
		text, err := os.ReadFile(filepath.Join(sys, setting))
		return err == nil && strings.TrimSpace(string(text)) == value
	}
	var out []string
	if _, err := os.Stat(filepath.Join(sys, "kernel/seccomp/actions_avail")); errors.Is(err, os.ErrNotExist) {
		out = append(out, "has no filters of system calls (CONFIG_SECCOMP_FILTER): projects may try any call")
	}
	for _, s := range []struct{ setting, value string }{
		{"user/max_user_namespaces", "0"}, {"kernel/unprivileged_userns_clone", "0"}, {"kernel/apparmor_restrict_unprivileged_userns", "1"},
	} {
		if is(s.setting, s.value) {
			out = append(out, fmt.Sprintf("may give no user namespaces (%s is %s): each start copies its code, and processes are counted for all of a project on a node",
				strings.ReplaceAll(s.setting, "/", "."), s.value))
		}
	}
	return out
}

// accessLists wants a file system to have access control lists, without which no
// program of a project starts.
func accessLists(dir string) error {
	_, err := unix.Getxattr(dir, "system.posix_acl_access", nil)
	if errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("the file system of %s has no access control lists, which keep projects out of Nomad's directories: mount it with acl (ZFS: acltype=posixacl)", dir)
	}
	return nil // it has some, or none are set
}
