package retention_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/store"
)

// sweptTree is a tree with a file of each kind that is stored in its own way: large, in a
// pack, and alone.
func sweptTree(seed byte) map[string]string {
	files := map[string]string{"large": treetest.Noise(seed, api.LargeBytes+1), "alone": treetest.Noise(seed, 2<<20)}
	for i := range 40 {
		files[fmt.Sprintf("small/%d", i)] = treetest.Noise(seed+byte(i), 1000)
	}
	return files
}

// TestSweepOfWhatWasNeverPushed uploads trees and lets a day pass. What no release has
// is gone, rows and bytes; what a release has is whole, and what was given again in the
// last day too.
func TestSweepOfWhatWasNeverPushed(t *testing.T) {
	p, c := servertest.WithShop(t)
	project, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	usage := func() int64 {
		used, err := p.Blobs.Usage(project.Scope())
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	pushed := treetest.New(sweptTree(1))
	servertest.Upload(t, c, "shop", pushed)
	if _, err := p.Store.AddRelease(t.Context(), store.Actor{}, store.Release{ProjectID: project.ID, Tree: pushed.Digest(), State: store.Pending}); err != nil {
		t.Fatal(err)
	}
	kept := usage()
	left := treetest.New(sweptTree(100))
	servertest.Upload(t, c, "shop", left)
	if usage() < 2*kept-1<<20 {
		t.Fatal("nothing was added")
	}
	sweep := func(after time.Duration) {
		t.Helper()
		if err := p.Server().Sweeper().Sweep(t.Context(), time.Now().Add(after), map[int64]time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(23 * time.Hour)
	p.WantTree(t, "shop", left)
	sweep(25 * time.Hour)
	if has, err := p.Store.UseTree(t.Context(), project.ID, left.Digest()); err != nil || has || usage() != kept {
		t.Errorf("the tree is there: %t, %d bytes of %d, %v", has, usage(), kept, err)
	}
	p.WantTree(t, "shop", pushed)
	// It is sent again as if it had never been there, also on a base that is.
	servertest.Upload(t, c, "shop", left)
	p.WantTree(t, "shop", left)
	servertest.Send(t, c, "shop", treetest.New(sweptTree(100)), &pushed)
}

// TestSweepSparesUploads has a tree arrive whose contents are all there already, and
// are old: it is whole when it is kept, whatever the sweep does.
func TestSweepSparesUploads(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"a": "first", "b": "second"})
	// Without an end: the contents stay, and no tree refers to them.
	broken := treetest.NewStream(t, tree.Manifest).Content(1, "first").Content(1, "second").Packed()
	if problem := p.Put(t, tree.Digest(), "", bytes.NewReader(broken)); problem == nil {
		t.Fatal("it was taken")
	}
	project, err := p.Store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	over, ok := p.Server().Sweeper().Using.Sweep(project.Scope())
	if !ok {
		t.Fatal("an upload goes on")
	}
	done := make(chan error)
	go func() { done <- upload.Send(t.Context(), c, "shop", &upload.Request{Tree: tree, Ask: true}) }()
	if n, err := p.Blobs.SweepUnused(project.Scope(), time.Now().Add(time.Hour), func(string) bool { return false }); err != nil || n != 11 {
		t.Fatalf("%d bytes went, %v", n, err)
	}
	over()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	p.WantTree(t, "shop", tree)
	// While an upload goes on there is no sweep.
	leave, err := p.Server().Sweeper().Using.Enter(t.Context(), project.Scope())
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if err := p.Server().Sweeper().Sweep(t.Context(), time.Now().Add(25*time.Hour), map[int64]time.Time{}); err != nil {
		t.Fatal(err)
	}
	if used, err := p.Blobs.Usage(project.Scope()); err != nil || used != 11 {
		t.Errorf("%d bytes are left, %v", used, err)
	}
}
