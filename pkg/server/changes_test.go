package server_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestPushStreams(t *testing.T) {
	for entry, check := range map[string]func(api.Event) bool{
		"": func(e api.Event) bool { return e.Done != nil && e.Done.Release == 1 },
		"broken.py": func(e api.Event) bool {
			return e.Failed != nil && e.Failed.Code == api.Refused && e.Failed.RequestID != ""
		},
	} {
		p, c := servertest.WithShop(t)
		tree := treetest.New(map[string]string{"a.py": "x"})
		servertest.Upload(t, c, "shop", tree)
		stream, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: tree.Digest(), Entry: entry})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		// The first event comes before the push may go on: it was flushed.
		if e, err := stream.Next(); err != nil || e.Phase == nil || e.Phase.Message != tree.Digest() {
			t.Fatalf("first event %+v, %v", e, err)
		}
		close(p.Deployer.Proceed)
		lines := 0
		var last api.Event
		for {
			e, err := stream.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e.Output != nil {
				lines++
			}
			last = e
		}
		if lines != 100 || !check(last) {
			t.Errorf("%d lines, last event %+v", lines, last)
		}
	}
}

func TestPushOfUnknownTree(t *testing.T) {
	_, c := servertest.WithShop(t)
	_, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: "sha256:" + strings.Repeat("0", 64)})
	servertest.WantProblem(t, err, api.TreeMissing)
}

// TestPushOutlivesItsCaller leaves in the middle.
func TestPushOutlivesItsCaller(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"a.py": "x"})
	servertest.Upload(t, c, "shop", tree)
	stream, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: tree.Digest()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	close(p.Deployer.Proceed)
	// Blocks for ever when nobody takes the events any more.
	p.Deployer.Finished.Wait()
	servertest.Within(t, "the end of the request", func() bool { return strings.Contains(p.Log.String(), "/pushes") })
}

// TestReleaseEvents holds that what happened while a release was brought up is a stream as
// that of its push.
func TestReleaseEvents(t *testing.T) {
	_, c := servertest.WithShop(t)
	stream, err := c.ReleaseEvents(t.Context(), "shop", 3, true)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if e, err := stream.Next(); err != nil || e.Release != 3 || e.Done == nil || e.Done.Project != "shop" {
		t.Errorf("event %+v, %v", e, err)
	}
	if _, err := stream.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after its end: %v", err)
	}
	_, err = c.ReleaseEvents(t.Context(), "shop", 0, false)
	servertest.WantProblem(t, err, api.Invalid)
	_, err = c.ReleaseEvents(t.Context(), "shop", 100, false)
	servertest.WantProblem(t, err, api.NotFound)
	_, err = c.ReleaseEvents(t.Context(), "other", 3, false)
	servertest.WantProblem(t, err, api.NotFound)
}

func TestRollback(t *testing.T) {
	_, c := servertest.WithShop(t)
	if list, err := c.Releases(t.Context(), "shop"); err != nil || len(list) != 1 || list[0].By != "shop" {
		t.Errorf("releases %+v, %v", list, err)
	}
	stream, err := c.Rollback(t.Context(), "shop", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if e, err := stream.Next(); err != nil || e.Done == nil || e.Done.Release != 3 {
		t.Errorf("event %+v, %v", e, err)
	}
	_, err = c.Rollback(t.Context(), "shop", -1)
	servertest.WantProblem(t, err, api.Invalid)
}
