package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
)

// TestKept holds which releases are kept whole.
func TestKept(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	never := time.UnixMicro(0).UTC()
	r := Retention{Since: day(7), Live: 2}
	all := []heldRelease{
		{1, Superseded, day(90), day(8), "", ""},  // old, and brought back eight days ago
		{2, Superseded, day(80), day(80), "", ""}, // the third of those that were live last
		{3, Failed, day(70), never, "", ""},
		{4, Interrupted, day(60), never, "", ""},
		{5, Live, day(50), day(50), "", ""}, // the second
		{6, Pending, day(40), never, "", ""},
		{7, Failed, day(7), never, "", ""},
		{8, Failed, day(8), never, "", ""},
	}
	if got := slices.Sorted(maps.Keys(r.kept(all))); !slices.Equal(got, []int{1, 4, 5, 6, 7}) {
		t.Errorf("kept are %v", got)
	}
}

// retained is a project with what was given for it.
type retained struct {
	*Store
	t *testing.T
	a Actor
	p Project
}

func newRetained(t *testing.T, s *Store) retained {
	a := person(t, s, "a@example.com")
	return retained{s, t, a, must(s.CreateProject(t.Context(), a, "p"))(t)}
}

func (r retained) tree(name string) string {
	r.t.Helper()
	m := source.Manifest{Files: []source.File{{Path: name, Size: 1, SHA256: strings.Repeat("0", 64)}}}
	if err := r.SaveTree(r.t.Context(), r.a, r.p.ID, m); err != nil {
		r.t.Fatal(err)
	}
	return m.Digest()
}

func (r retained) layer(key string) string {
	r.t.Helper()
	if err := r.SaveLayer(r.t.Context(), r.p.ID, Layer{Key: key, SHA256: "aa", Size: 1}); err != nil {
		r.t.Fatal(err)
	}
	return key
}

// release makes a release live that has a tree, a layer and static files.
func (r retained) release(tree, layer, static string) {
	r.t.Helper()
	jobs := fmt.Appendf(nil, `[{"Args":["--static=%s"]}]`, static)
	n := must(r.AddRelease(r.t.Context(), r.a, Release{ProjectID: r.p.ID, Tree: tree, Layer: layer, IR: []byte(`{}`), Jobs: jobs}))(r.t).Number
	if err := r.SetReleaseState(r.t.Context(), r.a, r.p.ID, n, Live, ""); err != nil {
		r.t.Fatal(err)
	}
}

func (r retained) sweep(live int) Swept {
	r.t.Helper()
	return must(r.Sweep(r.t.Context(), r.p.ID, Retention{Unused: r.now().Add(-24 * time.Hour), Since: r.now().AddDate(0, 0, -7), Live: live}))(r.t)
}

// testSweep lets weeks pass over four releases. The last two that were live are whole,
// of the others the history is left.
func testSweep(t *testing.T, s *Store, c *clock) {
	r := newRetained(t, s)
	for i := range 4 {
		n := fmt.Sprint(i)
		r.release(r.tree(n), r.layer("layer"+n), r.layer("static"+n))
	}
	r.layer("nobody's")
	c.pass(6 * 24 * time.Hour)
	if got := r.sweep(2); got != (Swept{Layers: 1}) {
		t.Errorf("within a week went %+v", got)
	}
	c.pass(24*time.Hour + time.Second)
	if got := r.sweep(2); got != (Swept{Trees: 2, Layers: 4, Releases: 2}) {
		t.Errorf("after it went %+v", got)
	}
	if got := r.sweep(2); got != (Swept{}) {
		t.Errorf("a second time went %+v", got)
	}
	for _, kept := range must(s.Releases(t.Context(), r.p.ID))(t) {
		whole := kept.Number > 2
		_, err := s.Tree(t.Context(), r.p.ID, kept.Tree)
		_, layer := s.Layer(t.Context(), r.p.ID, kept.Layer)
		if (err == nil) != whole || (layer == nil) != whole || kept.History() == whole || string(kept.IR) != `{}` {
			t.Errorf("release %d: tree %v, layer %v, jobs %s", kept.Number, err, layer, kept.Jobs)
		}
	}
}

// testSweepSpares holds that what was given or used within a day stays, though no
// release has it: a push may be about to name it.
func testSweepSpares(t *testing.T, s *Store, c *clock) {
	r := newRetained(t, s)
	used, left := r.tree("used"), r.tree("left")
	r.layer("used")
	r.layer("left")
	c.pass(23 * time.Hour)
	if got := r.sweep(20); got != (Swept{}) {
		t.Fatalf("of less than a day went %+v", got)
	}
	if !must(s.UseTree(t.Context(), r.p.ID, used))(t) {
		t.Fatal("a tree is gone")
	}
	must(s.Layer(t.Context(), r.p.ID, "used"))(t)
	c.pass(2 * time.Hour)
	if got := r.sweep(20); got != (Swept{Trees: 1, Layers: 1}) {
		t.Errorf("%+v went", got)
	}
	if must(s.UseTree(t.Context(), r.p.ID, left))(t) {
		t.Error("the wrong tree went")
	}
	must(s.Layer(t.Context(), r.p.ID, "used"))(t)
}

// testContents holds that every content is named that a tree or a layer has.
func testContents(t *testing.T, s *Store, _ *clock) {
	r := newRetained(t, s)
	r.tree("a")
	r.layer("k")
	var names []string
	if err := s.EachContent(t.Context(), r.p.ID, func(sha256 string) { names = append(names, sha256[:2]) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"00", "aa"}) {
		t.Errorf("contents are %q", names)
	}
	if n := must(s.TreeBytes(t.Context(), r.p.ID))(t); n < 20 {
		t.Errorf("a tree takes %d bytes", n)
	}
}
