package server

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// sweptTree is a tree with a file of each kind that is stored in its own way: large, in a
// pack, and alone.
func sweptTree(seed byte) map[string]string {
	files := map[string]string{"large": noise(seed, api.LargeBytes+1), "alone": noise(seed, 2<<20)}
	for i := range 40 {
		files[fmt.Sprintf("small/%d", i)] = noise(seed+byte(i), 1000)
	}
	return files
}

// TestSweepOfWhatWasNeverPushed uploads trees and lets a day pass. What no release has
// is gone, rows and bytes; what a release has is whole, and what was given again in the
// last day too.
func TestSweepOfWhatWasNeverPushed(t *testing.T) {
	p, c := projectOf(t)
	project, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	usage := func() int64 {
		used, err := p.blobs.Usage(project.Scope())
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	pushed := newTree(sweptTree(1))
	upload(t, c, "shop", pushed)
	if _, err := p.store.AddRelease(t.Context(), store.Actor{}, store.Release{ProjectID: project.ID, Tree: pushed.Digest(), State: store.Pending}); err != nil {
		t.Fatal(err)
	}
	kept := usage()
	left := newTree(sweptTree(100))
	upload(t, c, "shop", left)
	if usage() < 2*kept-1<<20 {
		t.Fatal("nothing was added")
	}
	sweep := func(after time.Duration) {
		t.Helper()
		if err := p.server.sweep(t.Context(), time.Now().Add(after), map[int64]time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(23 * time.Hour)
	p.wantTree(t, "shop", left)
	sweep(25 * time.Hour)
	if has, err := p.store.UseTree(t.Context(), project.ID, left.Digest()); err != nil || has || usage() != kept {
		t.Errorf("the tree is there: %t, %d bytes of %d, %v", has, usage(), kept, err)
	}
	p.wantTree(t, "shop", pushed)
	// It is sent again as if it had never been there, also on a base that is.
	upload(t, c, "shop", left)
	p.wantTree(t, "shop", left)
	send(t, c, "shop", newTree(sweptTree(100)), &pushed)
}

// TestSweepSparesUploads has a tree arrive whose contents are all there already, and
// are old: it is whole when it is kept, whatever the sweep does.
func TestSweepSparesUploads(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a": "first", "b": "second"})
	// Without an end: the contents stay, and no tree refers to them.
	broken := newStream(t, tree.Manifest).content(1, "first").content(1, "second").packed()
	if problem := put(t, p, tree.Digest(), "", bytes.NewReader(broken)); problem == nil {
		t.Fatal("it was taken")
	}
	project, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	over, ok := p.server.using.sweep(project.Scope())
	if !ok {
		t.Fatal("an upload goes on")
	}
	done := make(chan error)
	go func() { done <- c.Upload(t.Context(), "shop", &api.Upload{Tree: tree, Ask: true}) }()
	if n, err := p.blobs.SweepUnused(project.Scope(), time.Now().Add(time.Hour), func(string) bool { return false }); err != nil || n != 11 {
		t.Fatalf("%d bytes went, %v", n, err)
	}
	over()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	p.wantTree(t, "shop", tree)
	// While an upload goes on there is no sweep.
	leave, err := p.server.using.enter(t.Context(), project.Scope())
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if err := p.server.sweep(t.Context(), time.Now().Add(25*time.Hour), map[int64]time.Time{}); err != nil {
		t.Fatal(err)
	}
	if used, err := p.blobs.Usage(project.Scope()); err != nil || used != 11 {
		t.Errorf("%d bytes are left, %v", used, err)
	}
}

// TestDailyBudget moves the clock: what an account has sent comes back within a day,
// and another account has its own.
func TestDailyBudget(t *testing.T) {
	p, c := projectOf(t)
	now := time.Now()
	p.server.budget.daily, p.server.budget.now = 4<<20, func() time.Time { return now }
	for i := range byte(4) {
		upload(t, c, "shop", newTree(map[string]string{"a": noise(i, 1000)}))
	}
	fifth := newTree(map[string]string{"a": noise(5, 1000)})
	wantProblem(t, c.Upload(t.Context(), "shop", &api.Upload{Tree: fifth}), api.NoRoom)
	other, _ := p.account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	upload(t, other, "other", fifth)
	now = now.Add(6 * time.Hour)
	upload(t, c, "shop", fifth)
	wantProblem(t, c.Upload(t.Context(), "shop", &api.Upload{Tree: newTree(map[string]string{"a": noise(6, 1000)})}), api.NoRoom)
	// What is known costs nothing.
	upload(t, c, "shop", fifth)
}

// TestProjectsOfAnAccount creates one too many.
func TestProjectsOfAnAccount(t *testing.T) {
	p, c := projectOf(t)
	p.server.Projects = 2
	if _, err := c.CreateProject(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateProject(t.Context(), "third")
	wantProblem(t, err, api.NoRoom)
	other, _ := p.account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "third"); err != nil {
		t.Error(err)
	}
}

// TestManifestsCountForTheQuota sends trees of many files whose contents are all
// there: their lists alone fill the project's share.
func TestManifestsCountForTheQuota(t *testing.T) {
	p, c := projectOf(t)
	p.server.room.quota = 300_000
	for turn := range 20 {
		files := map[string]string{}
		for i := range 2000 {
			files[fmt.Sprintf("%s/%d-%d", digestOf(fmt.Sprint(turn, i)), turn, i)] = "same"
		}
		err := c.Upload(t.Context(), "shop", &api.Upload{Tree: newTree(files)})
		if err == nil {
			continue
		}
		wantProblem(t, err, api.NoRoom)
		return
	}
	t.Error("twenty lists of 2,000 files fit into 300 kB")
}
