package gitindex

import (
	"errors"
	"fmt"
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
	needGit(t)
	many := []string{"a", "b/c", "b/cc", "b/d/é", "é", "long/" + strings.Repeat("x", 200), strings.Repeat(strings.Repeat("y", 200)+"/", 19) + strings.Repeat("z", 277), "intent"}
	for _, hash := range []string{"sha1", "sha256"} {
		for _, version := range []string{"2", "3", "4"} {
			// Of few files with short names one hash is easily taken for the other.
			for _, names := range [][]string{{}, {"a"}, {"abcde"}, {"abcdef", "g"}, {"intent"}, many} {
				t.Run(fmt.Sprintf("%s version %s with %d files", hash, version, len(names)), func(t *testing.T) {
					dir := repository(t, hash, names...)
					git(t, dir, "update-index", "--index-version", version)
					compare(t, dir)
				})
			}
		}
	}
}

// TestStates has entries of every kind that git writes.
func TestStates(t *testing.T) {
	needGit(t)
	for name, steps := range map[string][][]string{
		"not looked at":   {{"update-index", "--assume-unchanged", "a"}, {"update-index", "--skip-worktree", "b/c"}},
		"removed":         {{"rm", "-q", "--cached", "a"}},
		"executable":      {{"update-index", "--chmod=+x", "a"}},
		"untracked cache": {{"update-index", "--force-untracked-cache"}, {"status"}},
		"threads":         {{"config", "index.threads", "4"}, {"add", "a"}, {"update-index", "--force-write-index"}},
		"many files":      {{"config", "feature.manyFiles", "true"}, {"update-index", "--force-write-index"}},
		"a conflict": {{"checkout", "-q", "-b", "other"}, {"rm", "-q", "a"}, {"commit", "-q", "-m", "removed"}, {"checkout", "-q", "-"},
			{"update-index", "--chmod=+x", "a"}, {"commit", "-q", "-m", "changed"}, {"merge", "-q", "other"}},
		"a sparse checkout": {{"sparse-checkout", "init", "--cone", "--sparse-index"}, {"sparse-checkout", "set", "b"}},
	} {
		for _, hash := range []string{"sha1", "sha256"} {
			t.Run(name+" "+hash, func(t *testing.T) {
				dir := repository(t, hash, "a", "b/c", "d/e", "d/f/g", "h")
				git(t, dir, "commit", "-q", "-m", "first")
				for _, step := range steps {
					cmd := command(dir, step...)
					if out, err := cmd.CombinedOutput(); err != nil && step[0] != "merge" {
						t.Fatalf("git %v: %v\n%s", step, err, out)
					}
				}
				compare(t, dir)
			})
		}
	}
}

// compare holds what is read to what git lists, but for the directories of a sparse
// index.
func compare(t *testing.T, dir string) {
	t.Helper()
	want := slices.Compact(strings.Split(strings.TrimRight(git(t, dir, "ls-files", "-z", "--sparse"), "\x00"), "\x00"))
	want = slices.DeleteFunc(want, func(name string) bool { return name == "" || strings.HasSuffix(name, "/") })
	index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(string(index))
	if err != nil || !slices.Equal(got.Files, want) {
		t.Errorf("got %q, %v\nwant %q", got.Files, err, want)
	}
}

// repository has added files, of which "intent" is only meant to be.
func repository(t *testing.T, hash string, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "--object-format="+hash)
	for _, name := range names {
		if len(name) > 1000 { // no file system has it
			blob := strings.TrimSpace(git(t, dir, "hash-object", "-w", "--stdin"))
			git(t, dir, "update-index", "--add", "--cacheinfo", "100644,"+blob+","+name)
			continue
		}
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
	if len(names) == 0 {
		git(t, dir, "read-tree", "--empty")
	}
	return dir
}

// Of a split index only a part could be read, so none of it is believed.
func TestSplitIndex(t *testing.T) {
	needGit(t)
	for _, hash := range []string{"sha1", "sha256"} {
		t.Run(hash, func(t *testing.T) { split(t, hash) })
	}
}

func split(t *testing.T, hash string) {
	dir := repository(t, hash)
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

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git on this machine to compare with")
	}
}

func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	return cmd
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := command(dir, args...).Output()
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
