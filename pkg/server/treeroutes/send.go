package treeroutes

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// Send sends a tree of the agent's own project.
func (t *Routes) Send(w http.ResponseWriter, r *http.Request) {
	_, p, err := t.Agents.Of(r)
	hex := r.PathValue("hex")
	if err == nil && !manifest.IsSHA256(hex) {
		err = api.NewProblem(api.Invalid, "%q is not a tree's digest", hex)
	}
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	there, err := thereIn(r)
	var m source.Manifest
	if err == nil {
		m, err = t.keptTree(r.Context(), p, "sha256:"+hex)
	}
	if err == nil {
		err = respond.Untimed(w)
	}
	leave := func() {}
	if err == nil {
		leave, err = t.Sends.Enter(r.Context(), p.ID)
	}
	if err != nil {
		t.Refuse(w, r, err)
		return
	}
	defer leave()
	view, err := t.Blobs.View(p.Scope())
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	defer view.Close()
	w.Header().Set("Content-Type", "application/zstd")
	w.Header().Set(api.TreeBytesHeader, strconv.FormatInt(bytesToSend(m, there), 10))
	if r.Method == http.MethodHead {
		return
	}
	t.Finish(r, writeTar(w, m, there, view.OpenKept))
}

// keptTree is the manifest of a tree that has all its contents, as far as is known.
func (t *Routes) keptTree(ctx context.Context, p store.Project, digest string) (source.Manifest, error) {
	m, err := t.Rows.Tree(ctx, p.ID, digest)
	if err != nil || !t.Blobs.Lossy(p.Scope()) {
		return m, err
	}
	lost, err := t.missing(p, source.Manifest{}, m)
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
		if !manifest.IsSHA256(digest) || len(out) == maxThere {
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
