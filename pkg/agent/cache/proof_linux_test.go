package cache

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// counted is a memory that counts what it was told, because it was read.
type counted struct {
	*proof
	read []string
}

func (c *counted) Learn(name string, info fs.FileInfo, sha256 string) {
	if info.Size() >= largeFile {
		c.read = append(c.read, name)
	}
	c.proof.Learn(name, info, sha256)
}

// TestLargeFilesAreReadOnce fetches a tree with a film in it. Starts after that
// read only the code, until the machine is started again or the film changes.
func TestLargeFilesAreReadOnce(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	film := strings.Repeat("film", largeFile/4)
	digest := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"}, agenttest.Entry{Name: "assets/big_video.mp4", Content: film})
	target := treeTarget(digest)
	var said bytes.Buffer
	f := newFetcher(t, m, c, &said)
	start := func() string {
		t.Helper()
		dir, lock, err := f.Tree(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		lock.Close()
		return dir.From
	}
	path := f.Cache.proof(target.treeHex())
	reads := func(dir string) string {
		t.Helper()
		p := &counted{proof: readProof(path)}
		if got, err := archive.ManifestOf(dir, p); err != nil || got.Digest() != digest {
			t.Fatalf("digest %s, %v", got.Digest(), err)
		}
		return strings.Join(p.read, " ")
	}
	dir := start()
	if got := reads(dir); got != "" {
		t.Errorf("after it was fetched, it is read: %s", got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, kept := range map[string]string{
		"another run of the machine": strings.Replace(string(text), thisBoot(), "0-0", 1),
		"half a proof":               string(text[:len(text)/2]),
		"no files":                   `{"boot":"` + thisBoot() + `"}`,
		"another inode":              strings.Replace(string(text), `"inode":`, `"inode":1`, 1),
	} {
		if err := os.WriteFile(path, []byte(kept), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := reads(dir); got != "assets/big_video.mp4" {
			t.Errorf("%s: read %q", name, got)
		}
		start()
		if got := reads(dir); got != "" {
			t.Errorf("%s, at the next start: read %q", name, got)
		}
	}
	// A change shows, also one that keeps the size.
	if err := os.WriteFile(dir+"/assets/big_video.mp4", []byte("F"+film[1:]), 0o640); err != nil {
		t.Fatal(err)
	}
	start()
	if !strings.Contains(said.String(), "damaged") || c.Count("GET /v1/agent/trees/"+target.treeHex()) != 2 {
		t.Errorf("a damaged film was not fetched again: %s", &said)
	}
	if got := reads(dir); got != "" {
		t.Errorf("read %q", got)
	}
	if err := f.Cache.remove(trees, target.treeHex()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(f.Cache.Path(trees, ""))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A tree that does not fit is refused before it is written, in words for people;
// what nobody uses makes room first.
func TestNoRoomForTree(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	f := newFetcher(t, m, c, io.Discard)
	old := c.Tree(t, agenttest.Entry{Name: "app.py"})
	_, lock, err := f.Tree(t.Context(), treeTarget(old))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	for _, unknown := range []string{"", "many", "1000"} {
		if err := f.Cache.makeRoom(trees, unknown); err != nil {
			t.Errorf("%q: %v", unknown, err)
		}
	}
	err = f.Cache.makeRoom(trees, "9000000000000000000")
	if err == nil || !strings.Contains(err.Error(), "the server's disk is full") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(f.Cache.Path(trees, "")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
