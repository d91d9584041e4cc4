package servertest

import (
	"bytes"
	"io"
	"io/fs"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
)

// Send uploads a tree as the CLI does, and returns how many bytes it took.
func Send(t *testing.T, c *api.Client, project string, tree source.Tree, base *source.Tree) int64 {
	t.Helper()
	u := &upload.Request{Tree: tree}
	if base != nil {
		u.Base = &base.Manifest
	}
	if err := upload.Send(t.Context(), c, project, u); err != nil {
		t.Fatal(err)
	}
	return u.Sent.Load()
}

// Upload uploads a tree.
func Upload(t *testing.T, c *api.Client, project string, tree source.Tree) {
	t.Helper()
	Send(t, c, project, tree, nil)
}

// WithShop is a platform with an account that has the project shop.
func WithShop(t *testing.T) (*Platform, *api.Client) {
	t.Helper()
	p := New(t)
	c, _ := p.Account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return p, c
}

// WantTree holds that a project has a tree with all its contents.
func (p *Platform) WantTree(t *testing.T, project string, tree source.Tree) {
	t.Helper()
	row, err := p.Store.ProjectByName(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Store.Tree(t.Context(), row.ID, tree.Digest())
	if err != nil || m.Digest() != tree.Digest() {
		t.Fatalf("the tree is not kept: %v", err)
	}
	view, err := p.Blobs.View(row.Scope())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	for _, f := range m.Files {
		blob, err := view.Open(f.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(blob)
		want, _ := fs.ReadFile(tree.FS, f.Path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", f.Path, err)
		}
		blob.Close()
	}
}
