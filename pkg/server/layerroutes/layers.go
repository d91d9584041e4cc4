// Package layerroutes takes what jobs of the platform make of a tree, such as a virtual
// environment, and gives it to the agents of its project.
package layerroutes

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

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

// Rows keep layers. *store.Store does.
type Rows interface {
	Layer(ctx context.Context, project int64, key string) (store.Layer, error)
	SaveLayer(ctx context.Context, project int64, l store.Layer) error
}

// Agents are those who bring layers and fetch them.
type Agents interface {
	Of(r *http.Request) (workload.Identity, store.Project, error)
}

// Routes answer requests about layers. All fields are required.
type Routes struct {
	respond.Responder
	Rows   Rows
	Blobs  *blob.Dir
	Agents Agents
	Room   *quota.Room
	Budget *quota.Budget
	// Sends are the places of those who send to agents, or take from them.
	Sends *limit.Slots
	Pace  peer.Pace
}

var layerKey = regexp.MustCompile(`^[a-z0-9]{16,64}$`)

// maxLayerBytes bounds what a job made, compressed: a virtual environment is the
// largest.
const maxLayerBytes = 4 << 30

// Get sends a layer to an agent of its project.
func (l *Routes) Get(w http.ResponseWriter, r *http.Request) {
	_, p, err := l.Agents.Of(r)
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	row, err := l.Rows.Layer(r.Context(), p.ID, r.PathValue("key"))
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	view, err := l.Blobs.View(p.Scope())
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	defer view.Close()
	if err = view.Verify(row.SHA256, row.Size); errors.Is(err, blob.ErrLost) {
		l.Log.Error("a layer is lost", slog.String("project", p.Name), slog.String("layer", row.Key), slog.Any("error", err))
		err = errLost(row.Key)
	}
	var f fs.File
	if err == nil {
		f, err = view.Open(row.SHA256)
	}
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	defer f.Close()
	if err := respond.Untimed(w); err != nil {
		l.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/zstd")
	w.Header().Set("Content-Length", strconv.FormatInt(row.Size, 10))
	w.Header().Set("ETag", strconv.Quote(row.SHA256))
	// Static files get this time on every node.
	w.Header().Set("Last-Modified", row.CreatedAt.Format(http.TimeFormat))
	if r.Method == http.MethodHead {
		return
	}
	_, err = io.Copy(w, f)
	l.Finish(r, err)
}

// Put keeps what a job made: only from the job of that very key. The keys of
// environments, of static files and of schemas are never the same.
func (l *Routes) Put(w http.ResponseWriter, r *http.Request) {
	who, p, err := l.Agents.Of(r)
	key := r.PathValue("key")
	switch {
	case err != nil:
	case !layerKey.MatchString(key):
		err = api.NewProblem(api.Invalid, "%q is not a layer's key", key)
	case who.JobID != "build-"+key && who.JobID != "static-"+key && who.JobID != "schemas-"+key:
		err = api.NewProblem(api.Forbidden, "job %q does not make layer %s", who.JobID, key)
	default:
		err = respond.Untimed(w)
	}
	if err == nil {
		err = l.keep(w, r, p, key)
	}
	if err != nil {
		l.Fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *Routes) keep(w http.ResponseWriter, r *http.Request, p store.Project, key string) error {
	leave, err := l.Sends.Enter(r.Context(), p.ID)
	if err != nil {
		return err
	}
	defer leave()
	in := quota.NewReader(r.Context(), peer.NewBody(w, r, l.Pace, maxLayerBytes), l.Room, p)
	defer in.Close()
	sources, err := sourcesOf(r.Header.Get(api.SourcesHeader))
	if err != nil {
		return err
	}
	digest, size, err := l.Blobs.PutStream(r.Context(), p.Scope(), in)
	if err != nil {
		return fmt.Errorf("keep layer %s: %w", key, err)
	}
	l.Budget.Spend(p.AccountID, size)
	return l.Rows.SaveLayer(r.Context(), p.ID, store.Layer{Key: key, SHA256: digest, Size: size, Sources: sources})
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

// errLost is a layer whose archive is not there any more. To an agent that is
// one that was not built.
func errLost(key string) error {
	return fmt.Errorf("layer %s was lost, and %w: a push builds it again", key, store.ErrNotFound)
}
