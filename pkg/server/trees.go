package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
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
	return s.readTree(w, r, actor, p, digest)
}

// readTree reads the body: the manifest, then contents.
func (s *Server) readTree(w http.ResponseWriter, r *http.Request, actor store.Actor, p store.Project, digest string) ([]string, error) {
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
