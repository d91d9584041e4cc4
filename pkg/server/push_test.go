package server

import (
	"errors"
	"io"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

func TestPushStreams(t *testing.T) {
	for entry, check := range map[string]func(api.Event) bool{
		"": func(e api.Event) bool { return e.Done != nil && e.Done.Release == 1 },
		"broken.py": func(e api.Event) bool {
			return e.Failed != nil && e.Failed.Code == api.Refused && e.Failed.RequestID != ""
		},
	} {
		p, c := projectOf(t)
		tree := newTree(map[string]string{"a.py": "x"})
		upload(t, c, "shop", tree)
		stream, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: tree.Digest(), Entry: entry})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		// The first event comes before the push may go on: it was flushed.
		if e, err := stream.Next(); err != nil || e.Phase == nil || e.Phase.Message != tree.Digest() {
			t.Fatalf("first event %+v, %v", e, err)
		}
		close(p.deployer.proceed)
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
	_, c := projectOf(t)
	_, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: "sha256:" + strings.Repeat("0", 64)})
	wantProblem(t, err, api.TreeMissing)
}

// TestPushOutlivesItsCaller leaves in the middle.
func TestPushOutlivesItsCaller(t *testing.T) {
	p, c := projectOf(t)
	tree := newTree(map[string]string{"a.py": "x"})
	upload(t, c, "shop", tree)
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
	close(p.deployer.proceed)
	// Blocks for ever when nobody takes the events any more.
	p.deployer.finished.Wait()
	within(t, "the end of the request", func() bool { return strings.Contains(p.log.String(), "/pushes") })
}

func TestRollback(t *testing.T) {
	_, c := projectOf(t)
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
	wantProblem(t, err, api.Invalid)
}
