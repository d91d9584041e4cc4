package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/store"
)

// putTree takes a tree in: its manifest, as the difference from one that the
// project has, and contents. It answers with what the tree still lacks, and keeps
// the tree when that is nothing. What comes whole stays even when the rest does
// not, so that the next try is shorter.
func (s *Server) putTree(w http.ResponseWriter, r *http.Request) {
	missing, err := s.takeTree(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, api.Missing{SHA256: missing})
}

func (s *Server) takeTree(w http.ResponseWriter, r *http.Request) ([]string, error) {
	actor, p, err := s.target(r)
	if err != nil {
		return nil, err
	}
	digest, err := treeDigest(r.PathValue("digest"))
	if err != nil {
		return nil, err
	}
	// Who comes back after a broken connection must find what had arrived: the
	// request that it belonged to may not have ended yet.
	done, err := s.intakes.take(r.Context(), p.Scope()+" "+digest)
	if err != nil {
		return nil, err
	}
	defer done()
	used, err := s.using.enter(r.Context(), p.Scope())
	if err != nil {
		return nil, err
	}
	defer used()
	// The body of a tree that is there is not even read.
	if ok, err := s.whole(r.Context(), p, digest); err != nil || ok {
		return []string{}, err
	}
	if err := s.budget.look(p.AccountID); err != nil {
		return nil, err
	}
	leave, err := s.uploads.enter(r.Context(), actor.KeyID)
	if err != nil {
		return nil, err
	}
	defer leave()
	base, err := s.base(r, p)
	if err != nil {
		return nil, err
	}
	if err := untimed(w); err != nil {
		return nil, err
	}
	in, err := s.newIntake(w, r, api.MaxTreeBytes)
	if err != nil {
		return nil, err
	}
	defer in.close()
	defer func() { s.budget.spend(p.AccountID, max(leastCharge, in.plain.n)) }()
	held := s.memory.open(actor.KeyID)
	defer held.close()
	tree := api.NewTreeReader(in.plain)
	m, err := readManifest(tree, base, digest, held)
	if err != nil {
		return nil, err
	}
	if s.Blobs.Lossy(p.Scope()) {
		base = source.Manifest{} // its contents need not be there
	}
	if err := s.keepContents(r.Context(), p, tree, base, m, held); err != nil {
		return nil, err
	}
	missing, err := s.missing(p, base, m)
	if err != nil || len(missing) > 0 {
		return missing, err
	}
	// The list of the files stays too, even where no content is new.
	if err := s.room.look(r.Context(), p, int64(len(m.Files))*rowBytes); err != nil {
		return nil, err
	}
	return missing, s.Store.SaveTree(r.Context(), actor, p.ID, m)
}

// rowBytes is what a file takes of a tree's row.
const rowBytes = 48

// base is the manifest that the request's is a difference from.
func (s *Server) base(r *http.Request, p store.Project) (source.Manifest, error) {
	query := r.URL.Query().Get("base")
	if query == "" {
		return source.Manifest{}, nil
	}
	digest, err := treeDigest(query)
	if err != nil {
		return source.Manifest{}, err
	}
	has, err := s.Store.UseTree(r.Context(), p.ID, digest)
	if err != nil {
		return source.Manifest{}, err
	}
	m, err := s.Store.Tree(r.Context(), p.ID, digest)
	if !has || errors.Is(err, store.ErrNotFound) {
		return m, api.NewProblem(api.BaseUnknown, "project %q has no tree %s", p.Name, digest).WithHelp("send the whole manifest")
	}
	return m, err
}

// treeDigest checks what a caller says is a tree's digest.
func treeDigest(s string) (string, error) {
	if hex, ok := strings.CutPrefix(s, "sha256:"); !ok || !sha256Hex.MatchString(hex) {
		return "", api.NewProblem(api.Invalid, "%q is not a tree's digest", s)
	}
	return s, nil
}

// readManifest reads the manifest, which must be a tree's and have the digest. The
// memory that it takes is held.
func readManifest(in *api.TreeReader, base source.Manifest, digest string, held *share) (source.Manifest, error) {
	bases := bytesOf(base)
	text, err := in.Delta(func(bytes int64) error { return held.hold(bases + bytes) })
	if err != nil {
		return source.Manifest{}, blame(err)
	}
	m, err := held.apply(base, text)
	if err != nil {
		return source.Manifest{}, err
	}
	if err := checkManifest(m); err != nil {
		return source.Manifest{}, err
	}
	if got := m.Digest(); got != digest {
		return source.Manifest{}, api.NewProblem(api.Invalid, "the manifest is that of tree %s, not of %s", got, digest)
	}
	in.Contents(m)
	return m, nil
}

// keepContents keeps what comes along. The first content asks for room for all
// that the base lacks: how many there are is known only at the end.
func (s *Server) keepContents(ctx context.Context, p store.Project, in *api.TreeReader, base, m source.Manifest, held *share) error {
	var batch *blob.Batch
	counted := false
	for {
		f, content, err := in.Next()
		if err == nil && batch == nil {
			var release func()
			if release, err = s.room.take(ctx, p, s.smallBytes(p, base, m)); err != nil {
				return err
			}
			defer release()
			batch, err = s.Blobs.Batch(p.Scope())
		}
		if err == nil && !counted {
			counted, err = true, s.countIndex(p, batch, base, m, held)
		}
		if err == nil {
			err = batch.Put(ctx, f.SHA256, f.Size, content)
		}
		if err == nil {
			continue
		}
		if batch != nil {
			err = errors.Join(notEnd(err), batch.Close())
		}
		return notEnd(err)
	}
}

// countIndex holds the memory of the index by which the batch knows what is there,
// and bounds it: a project of more contents than that could not be read any more.
func (s *Server) countIndex(p store.Project, batch *blob.Batch, base, m source.Manifest, held *share) error {
	index := batch.IndexBytes()
	if index+int64(len(m.Files))*blob.IndexWidth > maxIndex {
		return api.NewProblem(api.NoRoom, "project %q has %d small files, of all that was pushed since it was made; a project may have %d",
			p.Name, index/blob.IndexWidth, maxIndex/blob.IndexWidth).WithHelp("destroy the project and create it again, or list in .fnignore what the code does not need")
	}
	return held.hold(bytesOf(base, m) + index)
}

// maxIndex is what the index of the packs of one project may take.
const maxIndex = 32 << 20

// smallBytes is what the contents have that may come with a tree, without those
// that are there.
func (s *Server) smallBytes(p store.Project, base, m source.Manifest) int64 {
	had := make(map[string]bool, len(base.Files))
	for _, f := range base.Files {
		had[f.SHA256] = true
	}
	view, err := s.Blobs.View(p.Scope())
	if err != nil {
		view = &blob.View{} // Batch will say it
	}
	defer view.Close()
	total := int64(0)
	for _, f := range m.Files {
		if f.Size > api.LargeBytes || had[f.SHA256] {
			continue
		}
		had[f.SHA256] = true
		if has, _ := view.Has(f.SHA256); !has {
			total += f.Size
		}
	}
	return total
}

// notEnd makes the end of a stream no error, and one too early the caller's.
func notEnd(err error) error {
	if err == io.EOF { //nolint:errorlint // a wrapped one is not the end
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return blame(err)
	}
	return err
}

// missing lists the contents that the project lacks for a tree, each once. Those
// of base are there. The sizes that the manifest claims, by which the limits
// were held, must be those of the contents.
func (s *Server) missing(p store.Project, base, m source.Manifest) ([]string, error) {
	view, err := s.Blobs.View(p.Scope())
	if err != nil {
		return nil, err
	}
	defer view.Close()
	known := make(map[string]int64, len(m.Files))
	for _, f := range base.Files {
		known[f.SHA256] = f.Size
	}
	out := []string{}
	for _, f := range m.Files {
		size, ok := known[f.SHA256]
		if !ok {
			var there bool
			if size, there, err = sizeOf(view, f); err != nil {
				return nil, err
			}
			if !there {
				size = f.Size
				out = append(out, f.SHA256)
			}
			known[f.SHA256] = size
		}
		if size != f.Size {
			return nil, api.NewProblem(api.Invalid, "the manifest is not valid: %q has %d bytes, not %d", f.Path, size, f.Size)
		}
	}
	return out, nil
}

// latestTree sends the manifest of the tree that the project was last given, as
// the base for the next.
func (s *Server) latestTree(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.target(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	m, err := s.Store.LatestTree(r.Context(), p.ID)
	if errors.Is(err, store.ErrNotFound) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var text []byte
	if err == nil {
		text, err = delta.Encode(source.Manifest{}, m)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", api.ManifestContentType)
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err == nil {
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	}
	s.finish(r, err)
}
