package cli

import (
	"path/filepath"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

// TestPlayerConforms holds the deployer of these tests to what the real one does.
func TestPlayerConforms(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s, err := store.Open(ctx, filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	account, err := s.CreateAccount(ctx, store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	actor := store.Actor{AccountID: account.ID, Email: account.Email}
	p := &player{store: s, blobs: blobs, live: map[string]api.PushResult{}, cut: map[string][]string{}, kept: map[string][]api.Event{}, closed: make(chan struct{})}
	servertest.Conform(t, p, actor, "blog", func(project store.Project) api.PushRequest {
		var empty source.Manifest
		if err := s.SaveTree(ctx, actor, project.ID, empty); err != nil {
			t.Fatal(err)
		}
		return api.PushRequest{Tree: empty.Digest()}
	})
}
