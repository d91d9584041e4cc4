package gitindex

import (
	"errors"
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

// Of a split index only a part could be read, so none of it is believed.
func TestSplitIndex(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git on this machine to make one")
	}
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	for _, name := range []string{"a", "b", "c"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "add", "a", "b")
	for _, args := range [][]string{{"update-index", "--split-index"}, {"add", "c"}, {"update-index", "--chmod=+x", "a"}} {
		git(t, dir, args...)
		index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(string(index)); !errors.Is(err, errSplit) {
			t.Errorf("after %v: %+v, %v", args, got, err)
		}
	}
	git(t, dir, "update-index", "--no-split-index")
	index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Read(string(index)); err != nil || !slices.Equal(got.Files, []string{"a", "b", "c"}) {
		t.Errorf("%+v, %v", got, err)
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
		if err == nil && (!slices.IsSorted(read.Files) || !slices.IsSorted(read.Submodules)) {
			t.Errorf("not sorted: %q", read)
		}
	})
}
