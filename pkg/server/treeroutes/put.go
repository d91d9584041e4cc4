package treeroutes

import (
	"errors"
	"net/http"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/quota"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// Put takes a tree in: its manifest, as the difference from one that the
// project has, and contents. It answers with what the tree still lacks, and keeps
// the tree when that is nothing. What comes whole stays even when the rest does
// not, so that the next try is shorter.
func (t *Routes) Put(w http.ResponseWriter, r *http.Request) {
	missing, err := t.takeTree(w, r)
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	t.JSON(w, api.Missing{SHA256: missing})
}

func (t *Routes) takeTree(w http.ResponseWriter, r *http.Request) ([]string, error) {
	actor, p, err := t.People.Target(r)
	if err != nil {
		return nil, err
	}
	digest, err := manifest.TreeDigest(r.PathValue("digest"))
	if err != nil {
		return nil, err
	}
	// Who comes back after a broken connection must find what had arrived: the
	// request that it belonged to may not have ended yet.
	done, err := t.intakes.Take(r.Context(), p.Scope()+" "+digest)
	if err != nil {
		return nil, err
	}
	defer done()
	used, err := t.Using.Enter(r.Context(), p.Scope())
	if err != nil {
		return nil, err
	}
	defer used()
	// The body of a tree that is there is not even read.
	if ok, err := t.Whole(r.Context(), p, digest); err != nil || ok {
		return []string{}, err
	}
	if err := t.Budget.Look(p.AccountID); err != nil {
		return nil, err
	}
	leave, err := t.uploads.Enter(r.Context(), actor.KeyID)
	if err != nil {
		return nil, err
	}
	defer leave()
	return t.readTree(w, r, actor, p, digest)
}

// readTree reads the body: the manifest, then contents.
func (t *Routes) readTree(w http.ResponseWriter, r *http.Request, actor store.Actor, p store.Project, digest string) ([]string, error) {
	base, err := t.base(r, p)
	if err != nil {
		return nil, err
	}
	if err := respond.Untimed(w); err != nil {
		return nil, err
	}
	in, err := t.newIntake(w, r, api.MaxTreeBytes)
	if err != nil {
		return nil, err
	}
	defer in.close()
	defer func() { t.Budget.Spend(p.AccountID, max(quota.LeastCharge, in.plain.n)) }()
	held := t.memory.open(actor.KeyID)
	defer held.close()
	tree := api.NewTreeReader(in.plain)
	m, err := readManifest(tree, base, digest, held)
	if err != nil {
		return nil, err
	}
	if t.Blobs.Lossy(p.Scope()) {
		base = source.Manifest{} // its contents need not be there
	}
	if err := t.keepContents(r.Context(), p, tree, base, m, held); err != nil {
		return nil, err
	}
	missing, err := t.missing(p, base, m)
	if err != nil || len(missing) > 0 {
		return missing, err
	}
	// The list of the files stays too, even where no content is new.
	if err := t.Room.Look(r.Context(), p, int64(len(m.Files))*rowBytes); err != nil {
		return nil, err
	}
	return missing, t.Rows.SaveTree(r.Context(), actor, p.ID, m)
}

// base is the manifest that the request's is a difference from.
func (t *Routes) base(r *http.Request, p store.Project) (source.Manifest, error) {
	query := r.URL.Query().Get("base")
	if query == "" {
		return source.Manifest{}, nil
	}
	digest, err := manifest.TreeDigest(query)
	if err != nil {
		return source.Manifest{}, err
	}
	has, err := t.Rows.UseTree(r.Context(), p.ID, digest)
	if err != nil {
		return source.Manifest{}, err
	}
	m, err := t.Rows.Tree(r.Context(), p.ID, digest)
	if !has || errors.Is(err, store.ErrNotFound) {
		return m, api.NewProblem(api.BaseUnknown, "project %q has no tree %s", p.Name, digest).WithHelp("send the whole manifest")
	}
	return m, err
}

// readManifest reads the manifest, which must be a tree's and have the digest. The
// memory that it takes is held.
func readManifest(in *api.TreeReader, base source.Manifest, digest string, held *share) (source.Manifest, error) {
	bases := bytesOf(base)
	text, err := in.Delta(func(bytes int64) error { return held.hold(bases + bytes) })
	if err != nil {
		return source.Manifest{}, peer.Blame(err)
	}
	m, err := held.apply(base, text)
	if err != nil {
		return source.Manifest{}, err
	}
	if err := manifest.Check(m); err != nil {
		return source.Manifest{}, err
	}
	if got := m.Digest(); got != digest {
		return source.Manifest{}, api.NewProblem(api.Invalid, "the manifest is that of tree %s, not of %s", got, digest)
	}
	in.Contents(m)
	return m, nil
}
