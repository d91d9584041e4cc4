package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy/power"
	"fngen.dev/fngen/pkg/store"
)

// kept is a project with one tree, in a real store and real blobs, and the path of
// its blobs.
func kept(t *testing.T, files map[string]string) (c *change, tree, blobs string) {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "fngend.db"))
	fatal(t, err)
	t.Cleanup(func() { st.Close() })
	path := filepath.Join(t.TempDir(), "blobs")
	dir, err := blob.Open(path)
	fatal(t, err)
	t.Cleanup(func() { dir.Close() })
	account, err := st.CreateAccount(ctx, store.Actor{}, "a@example.com")
	fatal(t, err)
	actor := store.Actor{AccountID: account.ID, Email: account.Email}
	p, err := st.CreateProject(ctx, actor, "shop")
	fatal(t, err)
	batch, err := dir.Batch(scope(p))
	fatal(t, err)
	var m source.Manifest
	for name, text := range files {
		m.Files = append(m.Files, source.File{Path: name, Size: int64(len(text)), SHA256: digestOf(text)})
		fatal(t, batch.Put(ctx, digestOf(text), int64(len(text)), strings.NewReader(text)))
	}
	m.Sort()
	fatal(t, batch.Close())
	fatal(t, st.SaveTree(ctx, actor, p.ID, m))
	s := &Service{cfg: Config{Cluster: jobs.DefaultCluster()}, store: st, blobs: dir, log: slog.New(slog.DiscardHandler)}
	c = s.newChange(p)
	c.actor = actor
	t.Cleanup(func() { fatal(t, c.closeTree()) })
	return c, m.Digest(), filepath.Join(path, scope(p))
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A file that a disk has damaged is not compiled as if the person had written it so:
// the platform says that it is at fault, which file it is, and asks for it.
func TestLostCodeIsNobodysFault(t *testing.T) {
	const code = "from fngen.powers import webapp\n\n@webapp(framework='asgi')\ndef live_app():\n    return 1\n"
	for what, damage := range map[string]func(file string) error{
		"a null byte": func(file string) error { return os.WriteFile(file, []byte("\x00"+code[1:]), 0o600) },
		"cut":         func(file string) error { return os.Truncate(file, 10) },
		"gone":        os.Remove,
		"other code": func(file string) error {
			return os.WriteFile(file, []byte(strings.Replace(code, "live", "dead", 1)), 0o600)
		},
	} {
		c, tree, blobs := kept(t, map[string]string{"app.py": code, "fngen.yml": "project: shop\n"})
		fatal(t, damage(filepath.Join(blobs, digestOf(code))))
		p := &push{change: c, req: api.PushRequest{Tree: tree}}
		err := c.orLost(t.Context(), tree, p.compileFor(t.Context(), compiler.Target{Pythons: []string{"3.11"}, Regions: []string{"us-west"}, DefaultRegion: "us-west", Domain: "x.test", Powers: power.Names(false)}))
		problem, ok := errors.AsType[*api.Problem](err)
		if !ok || problem.Code != api.TreeMissing || !strings.Contains(problem.Detail, "app.py") || strings.Contains(problem.Detail, "fngen.yml") || len(problem.Diagnostics) > 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A release whose code is lost is not brought back, and one whose tree is whole fails
// for what failed.
func TestLostIsTheReason(t *testing.T) {
	c, tree, blobs := kept(t, map[string]string{"app.py": "x = 1\n", "big.txt": strings.Repeat("x", 5000)})
	failed := errors.New("live_app did not come up")
	if err := c.orLost(t.Context(), tree, failed); !errors.Is(err, failed) {
		t.Errorf("nothing is lost: %v", err)
	}
	fatal(t, os.Remove(filepath.Join(blobs, digestOf("x = 1\n"))))
	// Nobody has read it: the failure is another's.
	if err := c.orLost(t.Context(), tree, failed); !errors.Is(err, failed) {
		t.Errorf("nothing is known to be lost: %v", err)
	}
	// A rollback looks before it begins.
	problem, ok := errors.AsType[*api.Problem](c.cannotReturn(c.lost(t.Context(), tree)))
	if !ok || problem.Code != api.Failed || !strings.Contains(problem.Detail, "app.py") || !strings.Contains(problem.Help, "fngen push shop") {
		t.Errorf("%v", problem)
	}
	fatal(t, c.blobs.(*blob.Dir).Drop(scope(c.project), digestOf("x = 1\n")))
	problem, ok = errors.AsType[*api.Problem](c.orLost(t.Context(), tree, failed))
	if !ok || problem.Code != api.TreeMissing {
		t.Errorf("%v", problem)
	}
	if problem, ok = errors.AsType[*api.Problem](c.lost(t.Context(), "sha256:0")); !ok || problem.Code != api.TreeMissing {
		t.Errorf("a tree that is not there: %v", problem)
	}
}

// What a job has made is there only as it was stored.
func TestLostLayer(t *testing.T) {
	c, _, blobs := kept(t, nil)
	ctx := t.Context()
	save := func() {
		digest, size, err := c.blobs.(*blob.Dir).PutStream(ctx, scope(c.project), strings.NewReader("layer"))
		fatal(t, err)
		fatal(t, c.store.(*store.Store).SaveLayer(ctx, c.project.ID, store.Layer{Key: "k", SHA256: digest, Size: size}))
	}
	has := func() bool {
		has, err := c.hasLayer(ctx, "k")
		fatal(t, err)
		return has
	}
	if has() {
		t.Error("it is there before it was made")
	}
	file := filepath.Join(blobs, digestOf("layer"))
	for what, damage := range map[string]func() error{
		"gone": func() error { return os.Remove(file) }, "cut": func() error { return os.Truncate(file, 2) },
		"flipped": func() error { return os.WriteFile(file, []byte("layeR"), 0o600) },
	} {
		save()
		if !has() {
			t.Errorf("%s: it is not there after it was made", what)
		}
		fatal(t, damage())
		if has() {
			t.Errorf("%s: it counts as there", what)
		}
	}
}
