package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

var layerKey = regexp.MustCompile(`^[a-z0-9]{16,64}$`)

// maxLayerBytes bounds what a job made, compressed: a virtual environment is the
// largest.
const maxLayerBytes = 4 << 30

func (s *Server) getLayer(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.workload(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	l, err := s.Store.Layer(r.Context(), p.ID, r.PathValue("key"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	view, err := s.Blobs.View(p.Scope())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer view.Close()
	if err = view.Verify(l.SHA256, l.Size); errors.Is(err, blob.ErrLost) {
		s.Log.Error("a layer is lost", slog.String("project", p.Name), slog.String("layer", l.Key), slog.Any("error", err))
		err = errLayerLost(l.Key)
	}
	var f fs.File
	if err == nil {
		f, err = view.Open(l.SHA256)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer f.Close()
	if err := untimed(w); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/zstd")
	w.Header().Set("Content-Length", strconv.FormatInt(l.Size, 10))
	w.Header().Set("ETag", strconv.Quote(l.SHA256))
	// Static files get this time on every node.
	w.Header().Set("Last-Modified", l.CreatedAt.Format(http.TimeFormat))
	if r.Method == http.MethodHead {
		return
	}
	_, err = io.Copy(w, f)
	s.finish(r, err)
}

// putLayer keeps what a job made: only from the job of that very key. The keys of
// environments, of static files and of schemas are never the same.
func (s *Server) putLayer(w http.ResponseWriter, r *http.Request) {
	who, p, err := s.workload(r)
	key := r.PathValue("key")
	switch {
	case err != nil:
	case !layerKey.MatchString(key):
		err = api.NewProblem(api.Invalid, "%q is not a layer's key", key)
	case who.JobID != "build-"+key && who.JobID != "static-"+key && who.JobID != "schemas-"+key:
		err = api.NewProblem(api.Forbidden, "job %q does not make layer %s", who.JobID, key)
	default:
		err = untimed(w)
	}
	if err == nil {
		err = s.keepLayer(w, r, p, key)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) keepLayer(w http.ResponseWriter, r *http.Request, p store.Project, key string) error {
	leave, err := s.sends.enter(r.Context(), p.ID)
	if err != nil {
		return err
	}
	defer leave()
	in := &roomReader{ctx: r.Context(), r: newWireReader(w, r, s.pace, maxLayerBytes), room: s.room, project: p}
	defer in.close()
	sources, err := sourcesOf(r.Header.Get(api.SourcesHeader))
	if err != nil {
		return err
	}
	digest, size, err := s.Blobs.PutStream(r.Context(), p.Scope(), in)
	if err != nil {
		return fmt.Errorf("keep layer %s: %w", key, err)
	}
	s.budget.spend(p.AccountID, size)
	return s.Store.SaveLayer(r.Context(), p.ID, store.Layer{Key: key, SHA256: digest, Size: size, Sources: sources})
}

// maxSources bounds what an agent may tell of a layer; more of it than this is no
// fault of the person's, and not kept.
const maxSources = 64 << 10

// sourcesOf holds that a header is what it should be: it comes from where a
// project's own code was built.
func sourcesOf(header string) (string, error) {
	var list []api.GitSource
	if header == "" || len(header) > maxSources {
		return "", nil
	}
	if err := json.Unmarshal([]byte(header), &list); err != nil {
		return "", api.NewProblem(api.Invalid, "the header %s is not an array of sources", api.SourcesHeader)
	}
	text, err := json.Marshal(list)
	return string(text), err
}
