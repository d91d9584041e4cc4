package cache

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/archive"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// TestTreesShareLargeFiles fetches a tree with a film in it, and then the next
// version: the film is not sent again, is on the disk once, and stays when the
// first version goes.
func TestTreesShareLargeFiles(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	film := strings.Repeat("film", sharedBytes/4)
	first := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 1\n"}, agenttest.Entry{Name: "assets/big_video.mp4", Content: film},
		agenttest.Entry{Name: "tool", Content: film + "!", Mode: 0o755})
	second := c.Tree(t, agenttest.Entry{Name: "app.py", Content: "x = 2\n"}, agenttest.Entry{Name: "film.mp4", Content: film})
	f := newFetcher(t, m, c, io.Discard)
	_, held, err := f.Tree(t.Context(), treeTarget(first))
	if err != nil {
		t.Fatal(err)
	}
	digests := f.Cache.share()
	digests.close()
	if len(digests.paths) != 1 { // what is executable is not shared
		t.Fatalf("%d files can be shared: %v", len(digests.paths), digests.paths)
	}
	var asked string
	c.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		asked = r.URL.Query().Get("have")
		_, _ = w.Write(agenttest.Archive(t, agenttest.Entry{Name: "app.py", Content: "x = 2\n"}, agenttest.Entry{Name: "film.mp4", Link: asked, Kind: '1'}))
		return true
	})
	_, lock, err := f.Tree(t.Context(), treeTarget(second))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if digests.paths[asked] == "" {
		t.Errorf("asked with %q", asked)
	}
	was, err1 := os.Stat(f.Cache.Path(trees, treeTarget(first).treeHex()) + "/assets/big_video.mp4")
	is, err2 := os.Stat(f.Cache.Path(trees, treeTarget(second).treeHex()) + "/film.mp4")
	if err1 != nil || err2 != nil || !os.SameFile(was, is) {
		t.Errorf("the film is there twice: %v, %v", err1, err2)
	}
	held.Close()
	if err := f.Cache.remove(trees, treeTarget(first).treeHex()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	remembered := &counted{proof: readProof(f.Cache.proof(treeTarget(second).treeHex()))}
	if got, err := archive.ManifestOf(f.Cache.Path(trees, treeTarget(second).treeHex()), remembered); err != nil || got.Digest() != second || len(remembered.read) > 0 {
		t.Errorf("digest %s, %v; read %v", got.Digest(), err, remembered.read)
	}
}

// A file that is not what it was is not shared, and nobody can make a tree link to
// anything else.
func TestShareRefuses(t *testing.T) {
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	film := strings.Repeat("film", sharedBytes/4)
	digest := c.Tree(t, agenttest.Entry{Name: "film.mp4", Content: film})
	f := newFetcher(t, m, c, io.Discard)
	dir, lock, err := f.Tree(t.Context(), treeTarget(digest))
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	s := f.Cache.share()
	s.close()
	for _, link := range []string{"/etc/passwd", "../film.mp4", "film.mp4", strings.Repeat("0", 64)} {
		err := f.extract(filepath.Join(m.Dir, "part"), func(root *os.Root) error {
			_, err := archive.ExtractTree(root, -1, strings.NewReader(string(agenttest.Archive(t, agenttest.Entry{Name: "a", Link: link, Kind: '1'}))), s.paths)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", link, err)
		}
	}
	if err := os.WriteFile(dir.From+"/film.mp4", []byte(film[1:]+"!"), 0o640); err != nil {
		t.Fatal(err)
	}
	s = f.Cache.share()
	s.close()
	if len(s.paths) > 0 || s.query() != "" {
		t.Errorf("shares %v", s.paths)
	}
	// A tree that is being filled or removed is left alone.
	busy, err := f.Cache.tryLock(trees, treeTarget(digest).treeHex(), unix.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	s = f.Cache.share()
	defer s.close()
	if slices.ContainsFunc(s.locks, func(f *os.File) bool { return f.Name() == busy.Name() }) {
		t.Error("a busy tree is shared")
	}
}
