package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

var layerKey = regexp.MustCompile(`^[a-z0-9]{16,64}$`)

// maxLayerBytes bounds what a job made, compressed: a virtual environment is the
// largest.
const maxLayerBytes = 4 << 30

type workloadKey struct{}

func (s *Server) routeAgents(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/agent/trees/{hex}", s.getTree)
	// GET answers HEAD too.
	mux.HandleFunc("GET /v1/agent/layers/{key}", s.getLayer)
	mux.HandleFunc("PUT /v1/agent/layers/{key}", s.putLayer)
	mux.HandleFunc("GET /v1/agent/static", s.getLiveStatic)
}

// withWorkload lets a request with a valid workload identity through.
func (s *Server) withWorkload(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := bearer(r)
		who, err := s.Workloads.Verify(r.Context(), token)
		if errors.Is(err, errWorkload) {
			err = api.NewProblem(api.Unauthenticated, "%s", err)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		infoOf(r.Context()).caller = who.Namespace + "/" + who.JobID
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), workloadKey{}, who)))
	})
}

// workload is the agent and the project that Nomad says it runs for. A name may have
// come back for another project, and what Nomad signed for the first outlives it: so
// the allocation must run. While Nomad does not answer, and starts must go on, the
// identity must at least be younger than the project.
func (s *Server) workload(r *http.Request) (Workload, store.Project, error) {
	who, ok := r.Context().Value(workloadKey{}).(Workload)
	if !ok {
		return who, store.Project{}, api.NewProblem(api.Unauthenticated, "%s", errWorkload)
	}
	p, err := s.Store.ProjectByName(r.Context(), who.Namespace)
	if err != nil {
		return who, p, err
	}
	alive, known, err := s.alive.ask(r.Context(), who)
	if !known {
		s.warnUnknown(r.Context(), who, err)
		alive = who.Issued.After(p.CreatedAt.Add(-skew))
	}
	if !alive {
		return who, store.Project{}, api.NewProblem(api.Unauthenticated, "%s: its allocation does not run", errWorkload)
	}
	return who, p, nil
}

// skew is by how much the clocks of Nomad's servers and ours may differ.
const skew = 5 * time.Second

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
// environments and of static files are never the same.
func (s *Server) putLayer(w http.ResponseWriter, r *http.Request) {
	who, p, err := s.workload(r)
	key := r.PathValue("key")
	switch {
	case err != nil:
	case !layerKey.MatchString(key):
		err = api.NewProblem(api.Invalid, "%q is not a layer's key", key)
	case who.JobID != "build-"+key && who.JobID != "static-"+key:
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

// getLiveStatic tells an instance which static files the pages of the live release
// link to, which it may be about to replace.
func (s *Server) getLiveStatic(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.workload(r)
	var live api.LiveStatic
	if err == nil {
		live.Keys, err = s.Deployer.LiveStatic(r.Context(), p)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, live)
}

// finish ends a stream. The status went out long ago, so a fault can only be
// shown by cutting the connection.
func (s *Server) finish(r *http.Request, err error) {
	if err == nil {
		return
	}
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "stream broke off", slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
	panic(http.ErrAbortHandler)
}
