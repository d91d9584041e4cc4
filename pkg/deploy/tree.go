package deploy

import (
	"io/fs"
	"strconv"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/store"
)

// scope is where a project's blobs are.
func scope(p store.Project) string { return strconv.FormatInt(p.ID, 10) }

// openTree makes the compiler's view of a stored tree.
func (s *Service) openTree(p store.Project, m source.Manifest) source.Tree {
	digests := make(map[string]string, len(m.Files))
	for _, f := range m.Files {
		digests[f.Path] = f.SHA256
	}
	return source.Tree{Manifest: m, FS: blobFS{blobs: s.blobs, scope: scope(p), digests: digests}}
}

// blobFS opens the files of a manifest from the blobs of its project.
type blobFS struct {
	blobs   Blobs
	scope   string
	digests map[string]string
}

// Open implements fs.FS for files; the compiler lists them by the manifest.
func (b blobFS) Open(name string) (fs.File, error) {
	digest, ok := b.digests[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return b.blobs.Open(b.scope, digest)
}
