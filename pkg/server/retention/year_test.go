package retention_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/retention"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/store"
)

// year is a control plane's disk over a long time. The clock is not real.
type year struct {
	*testing.T
	sweeper  *retention.Sweeper
	store    *store.Store
	blobs    *blob.Dir
	dir      string
	now      time.Time
	swept    map[int64]time.Time
	projects []store.Project
	pushes   int
}

func newYear(t *testing.T, projects int) *year {
	y := &year{T: t, dir: t.TempDir(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), swept: map[int64]time.Time{}}
	var err error
	if y.store, err = store.OpenAt(t.Context(), filepath.Join(t.TempDir(), "fngend.db"), func() time.Time { return y.now }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { y.store.Close() })
	if y.blobs, err = blob.Open(y.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { y.blobs.Close() })
	y.sweeper = &retention.Sweeper{
		Rows: y.store, Contents: y.blobs, Log: slog.New(slog.DiscardHandler), Using: retention.NewUsing(), Busy: func(_, _ string) bool { return false },
	}
	who, err := y.store.CreateAccount(t.Context(), store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for i := range projects {
		p, err := y.store.CreateProject(t.Context(), store.Actor{AccountID: who.ID}, fmt.Sprintf("p%d", i))
		if err != nil {
			t.Fatal(err)
		}
		y.projects = append(y.projects, p)
	}
	return y
}

// text is a content of a push: one of its own, or one that changes so often.
func (y *year) text(p store.Project, name string, every int) string {
	return fmt.Sprintf("%d %s %d %s", p.ID, name, y.pushes/every, strings.Repeat(name, 2000/len(name)))
}

// push makes a release live whose tree has files that change at each push, rarely and
// never, and now and then new dependencies.
func (y *year) push(p store.Project) {
	y.Helper()
	y.pushes++
	files := map[string]string{"never.py": y.text(p, "never", 1<<30), "always.py": y.text(p, "always", 1)}
	for i := range 30 { // enough for a pack, of which most goes soon
		files[fmt.Sprintf("some/%d.py", i)] = y.text(p, fmt.Sprint("some", i), 1+i*i)
	}
	tree := treetest.New(files)
	batch, err := y.blobs.Batch(p.Scope())
	if err != nil {
		y.Fatal(err)
	}
	for _, text := range files {
		if err := batch.Put(y.Context(), treetest.DigestOf(text), int64(len(text)), strings.NewReader(text)); err != nil {
			y.Fatal(err)
		}
	}
	y.must(batch.Close())
	y.must(y.store.SaveTree(y.Context(), store.Actor{}, p.ID, tree.Manifest))
	layer := fmt.Sprintf("layer-%d", y.pushes/40)
	if _, err := y.store.Layer(y.Context(), p.ID, layer); err != nil {
		digest, size, err := y.blobs.PutStream(y.Context(), p.Scope(), strings.NewReader(strings.Repeat(layer, 5000)))
		y.must(err)
		y.must(y.store.SaveLayer(y.Context(), p.ID, store.Layer{Key: layer, SHA256: digest, Size: size}))
	}
	r, err := y.store.AddRelease(y.Context(), store.Actor{}, store.Release{
		ProjectID: p.ID, Tree: tree.Digest(), Layer: layer, IR: []byte(`{}`), Jobs: []byte(strings.Repeat("job ", 3000)),
	})
	y.must(err)
	y.must(y.store.SetReleaseState(y.Context(), store.Actor{}, p.ID, r.Number, store.Live, ""))
}

func (y *year) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// day makes pushes of projects in turn, makes their files as old as the clock says, and
// sweeps.
func (y *year) day(pushes int) {
	y.Helper()
	for range pushes {
		y.push(y.projects[y.pushes%len(y.projects)])
	}
	began := time.Now().Add(-time.Hour)
	y.must(filepath.WalkDir(y.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil || info.ModTime().Before(began) {
			return err
		}
		return os.Chtimes(path, y.now, y.now)
	}))
	y.now = y.now.Add(24*time.Hour + time.Minute)
	y.must(y.sweeper.Sweep(y.Context(), y.now, y.swept))
}

// disk is what the contents of all projects take, and how many files they are.
func (y *year) disk() (bytes int64, files int) {
	y.Helper()
	y.must(filepath.WalkDir(y.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		bytes, files = bytes+info.Size(), files+1
		return nil
	}))
	return bytes, files
}

// whole counts the releases of a project of which every content and the layer is there.
func (y *year) whole(p store.Project) (n int) {
	y.Helper()
	all, err := y.store.Releases(y.Context(), p.ID)
	y.must(err)
	v, err := y.blobs.View(p.Scope())
	y.must(err)
	defer v.Close()
	for i, r := range all { // newest first
		m, err := y.store.Tree(y.Context(), p.ID, r.Tree)
		if err != nil {
			if i < retention.KeptLive {
				y.Errorf("release %d of %s is lost: %v", r.Number, p.Name, err)
			}
			continue
		}
		l, err := y.store.Layer(y.Context(), p.ID, r.Layer)
		y.must(err)
		for _, f := range append(m.Files, source.File{Path: "the layer", SHA256: l.SHA256, Size: l.Size}) {
			if size, err := v.Size(f.SHA256); err != nil || size != f.Size {
				y.Errorf("release %d of %s lacks %s: %v", r.Number, p.Name, f.Path, err)
			}
		}
		n++
	}
	return n
}

// TestYear pushes for two months, a year with FNGEN_SOAK: the disk takes as much at the
// end as it did once the first releases had gone, and what can be brought back is whole.
func TestYear(t *testing.T) {
	projects, days, settled, pushes := 2, 60, 30, 2
	if os.Getenv("FNGEN_SOAK") != "" {
		projects, days, settled, pushes = 50, 365, 60, 27
	}
	y := newYear(t, projects)
	var most int64
	var mostFiles int
	for day := range days {
		y.day(pushes)
		switch bytes, files := y.disk(); {
		case day < settled:
			most, mostFiles = max(most, bytes), max(mostFiles, files)
		case bytes > most+most/4 || files > mostFiles+mostFiles/4:
			t.Fatalf("on day %d there are %d bytes in %d files, before day %d at most %d in %d", day, bytes, files, settled, most, mostFiles)
		}
	}
	for _, p := range y.projects {
		if n := y.whole(p); n < retention.KeptLive || n > 2*retention.KeptLive+7*pushes {
			t.Errorf("%d releases of %s are whole", n, p.Name)
		}
	}
	bytes, files := y.disk()
	t.Logf("after %d pushes in %d days: %d bytes in %d files", y.pushes, days, bytes, files)
}
