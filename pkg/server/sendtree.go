package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// getTree sends a tree of the agent's own project.
func (s *Server) getTree(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.workload(r)
	hex := r.PathValue("hex")
	if err == nil && !sha256Hex.MatchString(hex) {
		err = api.NewProblem(api.Invalid, "%q is not a tree's digest", hex)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	there, err := thereIn(r)
	var m source.Manifest
	if err == nil {
		m, err = s.keptTree(r.Context(), p, "sha256:"+hex)
	}
	if err == nil {
		err = untimed(w)
	}
	leave := func() {}
	if err == nil {
		leave, err = s.sends.enter(r.Context(), p.ID)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer leave()
	view, err := s.Blobs.View(p.Scope())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer view.Close()
	w.Header().Set("Content-Type", "application/zstd")
	w.Header().Set(api.TreeBytesHeader, strconv.FormatInt(bytesToSend(m, there), 10))
	if r.Method == http.MethodHead {
		return
	}
	s.finish(r, writeTar(w, m, there, view.OpenKept))
}

// keptTree is the manifest of a tree that has all its contents, as far as is known.
func (s *Server) keptTree(ctx context.Context, p store.Project, digest string) (source.Manifest, error) {
	m, err := s.Store.Tree(ctx, p.ID, digest)
	if err != nil || !s.Blobs.Lossy(p.Scope()) {
		return m, err
	}
	lost, err := s.missing(p, source.Manifest{}, m)
	if err == nil && len(lost) > 0 {
		err = lostTree(p, digest)
	}
	return m, err
}

// maxThere is how many contents an agent may name that it has.
const maxThere = 200

// thereIn are the contents that need not be sent.
func thereIn(r *http.Request) (map[string]bool, error) {
	have := r.URL.Query().Get("have")
	if have == "" {
		return nil, nil
	}
	out := map[string]bool{}
	for digest := range strings.SplitSeq(have, ",") {
		if !sha256Hex.MatchString(digest) || len(out) == maxThere {
			return nil, api.NewProblem(api.Invalid, "have must be at most %d digests", maxThere)
		}
		out[digest] = true
	}
	return out, nil
}

// bytesToSend is what the files have that are not there.
func bytesToSend(m source.Manifest, there map[string]bool) (total int64) {
	for _, f := range m.Files {
		if !isThere(f, there) {
			total += f.Size
		}
	}
	return total
}
