//go:build linux

package preflight

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGaps(t *testing.T) {
	seccomp := map[string]string{"kernel/seccomp/actions_avail": "kill_process errno allow\n"}
	for name, test := range map[string]struct {
		settings map[string]string
		want     []string // the beginning of each
	}{
		"all there":    {map[string]string{"user/max_user_namespaces": "96365\n", "kernel/unprivileged_userns_clone": "1\n"}, nil},
		"no filters":   {map[string]string{"kernel/seccomp/actions_avail": ""}, []string{"has no filters of system calls"}},
		"no namespace": {map[string]string{"user/max_user_namespaces": "0\n"}, []string{"may give no user namespaces (user.max_user_namespaces is 0)"}},
		"AppArmor":     {map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1\n"}, []string{"may give no user namespaces (kernel.apparmor_restrict"}},
	} {
		sys := t.TempDir()
		for _, settings := range []map[string]string{seccomp, test.settings} {
			for path, text := range settings {
				path = filepath.Join(sys, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if text == "" { // the test takes it away
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		got := gaps(sys)
		if len(got) != len(test.want) || !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAccessLists(t *testing.T) {
	if err := accessLists("/proc"); err == nil || !strings.Contains(err.Error(), "the file system of /proc has no access control lists") {
		t.Errorf("/proc: %v", err)
	}
	if err := accessLists(t.TempDir()); err != nil {
		t.Error(err)
	}
}
