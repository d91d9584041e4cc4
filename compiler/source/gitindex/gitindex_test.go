package gitindex

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAgainstGit writes indexes with git, in every version and with both hashes,
// and compares the names with those that git lists.
func TestAgainstGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git on this machine to compare with")
	}
	for _, hash := range []string{"sha1", "sha256"} {
		for _, version := range []string{"2", "3", "4"} {
			t.Run(hash+" version "+version, func(t *testing.T) {
				dir := t.TempDir()
				git(t, dir, "init", "-q", "--object-format="+hash)
				for _, name := range []string{"a", "b/c", "b/cc", "b/d/é", "é", "long/" + strings.Repeat("x", 200), "intent"} {
					if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
						t.Fatal(err)
					}
					if name == "intent" {
						git(t, dir, "add", "-N", name) // makes extended flags
					} else {
						git(t, dir, "add", name)
					}
				}
				git(t, dir, "update-index", "--index-version", version)
				want := strings.Split(strings.TrimRight(git(t, dir, "ls-files", "-z"), "\x00"), "\x00")
				index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
				if err != nil {
					t.Fatal(err)
				}
				got, err := Read(string(index))
				if err != nil || !slices.Equal(got.Files, want) {
					t.Errorf("got %q, %v\nwant %q", got.Files, err, want)
				}
			})
		}
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

// FuzzRead: whatever stands in .git/index, reading it ends, and what it gives is
// sorted.
func FuzzRead(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00"))
	f.Add(append([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x01"), make([]byte, 80)...))
	f.Fuzz(func(t *testing.T, index []byte) {
		read, err := Read(string(index))
		if err == nil && !(slices.IsSorted(read.Files) && slices.IsSorted(read.Submodules)) {
			t.Errorf("not sorted: %q", read)
		}
	})
}
