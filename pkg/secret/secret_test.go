//go:build linux

package secret_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/secret/secrettest"
)

// Everything is asked of one real Vault, set up as that of a platform is.
func TestVault(t *testing.T) {
	v := secrettest.Start(t)
	s, err := secret.New(v.Addr, v.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	remove := func(project string) {
		if err := v.Root.KVv2(jobs.SecretMount).Delete(t.Context(), jobs.SecretPath(project)); err != nil {
			t.Fatal(err)
		}
	}
	conformance(t, s, remove)
	t.Run("values", func(t *testing.T) { testValues(t, v) })
	t.Run("writes only", func(t *testing.T) { testWritesOnly(t, v) })
	t.Run("projects", func(t *testing.T) { testProjects(t, v, s) })
	t.Run("away", func(t *testing.T) { testAway(t, v, s) })
}

// TestMemory holds the store in memory to what the real one does.
func TestMemory(t *testing.T) {
	m := &secrettest.Memory{}
	conformance(t, m, m.Remove)
}

// store is what both are.
type store interface {
	versions
	Delete(ctx context.Context, project string) error
}

// versions are those of one project's variables.
type versions interface {
	Newest(ctx context.Context, project string) (secret.Newest, error)
	Has(ctx context.Context, project string, version int) (bool, error)
	Write(ctx context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error)
	Old(ctx context.Context, project string, before time.Time) ([]int, error)
	Destroy(ctx context.Context, project string, versions []int) error
}

// conformance is what every store does. remove deletes the newest version, as an
// operator would.
func conformance(t *testing.T, s store, remove func(project string)) {
	t.Run("write", func(t *testing.T) { testWrite(t, s) })
	t.Run("old", func(t *testing.T) { testOld(t, s) })
	t.Run("delete", func(t *testing.T) { testDelete(t, s, remove) })
}

var values = map[string]string{"A": "ż\n$HOME ${x} {{ y }}", "B": "", ".m1": ""}

func testWrite(t *testing.T, s store) {
	ctx := t.Context()
	if n, err := s.Newest(ctx, "shop"); err != nil || n.Number != 0 {
		t.Fatalf("before the first: %+v, %v", n, err)
	}
	if n, err := s.Write(ctx, "shop", 0, true, values, nil); err != nil || n != 1 {
		t.Fatalf("first: %d, %v", n, err)
	}
	if _, err := s.Write(ctx, "shop", 0, true, values, nil); !errors.Is(err, secret.ErrConflict) {
		t.Errorf("first again: %v", err)
	}
	if n, err := s.Write(ctx, "shop", 1, false, map[string]string{"C": "canary", ".m2": ""}, []string{"B", ".m1", "NONE"}); err != nil || n != 2 {
		t.Fatalf("second: %d, %v", n, err)
	}
	_, err := s.Write(ctx, "shop", 1, false, map[string]string{"C": "canary"}, nil)
	if !errors.Is(err, secret.ErrConflict) || strings.Contains(err.Error(), "canary") {
		t.Errorf("upon the first again: %v", err)
	}
	if _, err := s.Write(ctx, "nobody", 0, false, values, nil); !errors.Is(err, secret.ErrConflict) {
		t.Errorf("merging into nothing: %v", err)
	}
	n, err := s.Newest(ctx, "shop")
	if err != nil || n.Number != 2 || n.Gone || n.At.IsZero() || !slices.Equal(n.Names, []string{".m2", "A", "C"}) {
		t.Errorf("newest: %+v, %v", n, err)
	}
	for number, want := range map[int]bool{0: false, 1: true, 2: true, 3: false} {
		if has, err := s.Has(ctx, "shop", number); err != nil || has != want {
			t.Errorf("version %d is there: %t, %v", number, has, err)
		}
	}
}

func testOld(t *testing.T, s store) {
	ctx := t.Context()
	for n := range 4 {
		if _, err := s.Write(ctx, "aged", n, n == 0, map[string]string{"A": "1"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	late := time.Now().Add(time.Minute)
	for before, want := range map[time.Time][]int{late: {1, 2, 3}, late.Add(-time.Hour): nil} {
		if got, err := s.Old(ctx, "aged", before); err != nil || !slices.Equal(got, want) {
			t.Errorf("before %s: %v, %v", before, got, err)
		}
	}
	if err := s.Destroy(ctx, "aged", []int{1, 3}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Old(ctx, "aged", late); err != nil || !slices.Equal(got, []int{2}) {
		t.Errorf("with two destroyed: %v, %v", got, err)
	}
	for number, want := range map[int]bool{1: false, 2: true, 3: false, 4: true} {
		if has, err := s.Has(ctx, "aged", number); err != nil || has != want {
			t.Errorf("version %d is there: %t, %v", number, has, err)
		}
	}
	if n, err := s.Newest(ctx, "aged"); err != nil || n.Number != 4 || n.Keeps != 100 {
		t.Errorf("newest: %+v, %v", n, err)
	}
	if got, err := s.Old(ctx, "nobody", late); err != nil || len(got) != 0 {
		t.Errorf("of nobody: %v, %v", got, err)
	}
}

func testValues(t *testing.T, v *secrettest.Vault) {
	found, err := v.Root.KVv2(jobs.SecretMount).Get(t.Context(), jobs.SecretPath("shop"))
	if err != nil || found.Data["A"] != values["A"] || found.Data["C"] != "canary" || len(found.Data) != 3 {
		t.Errorf("what is there: %v, %v", found, err)
	}
}

// The control plane can read no value, list no project and change no right.
func testWritesOnly(t *testing.T, v *secrettest.Vault) {
	token, err := os.ReadFile(v.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	c := v.As(string(token))
	path := jobs.SecretPath("shop")
	for what, try := range map[string]func() error{
		"read":      func() error { _, err := c.KVv2(jobs.SecretMount).Get(t.Context(), path); return err },
		"read old":  func() error { _, err := c.KVv2(jobs.SecretMount).GetVersion(t.Context(), path, 1); return err },
		"list":      func() error { _, err := c.Logical().List(jobs.SecretMount + "/metadata"); return err },
		"undelete":  func() error { return c.KVv2(jobs.SecretMount).Undelete(t.Context(), path, []int{1}) },
		"elsewhere": func() error { _, err := c.KVv2(jobs.SecretMount).Put(t.Context(), "shop/other", nil); return err },
		"policy":    func() error { return c.Sys().PutPolicy("fngend", `path "*" { capabilities = ["read"] }`) },
		"role": func() error {
			_, err := c.Logical().Write("auth/jwt-nomad/role/x", map[string]any{"role_type": "jwt"})
			return err
		},
		"settings": func() error { _, err := c.Logical().Write(jobs.SecretMount+"/config", nil); return err },
	} {
		if err := try(); !forbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A project's workload reads its own variables, whatever its job is called, and
// nothing of another's, by whatever path.
func testProjects(t *testing.T, v *secrettest.Vault, s *secret.Store) {
	for _, project := range []string{"blog", "blog-2"} {
		if _, err := s.Write(t.Context(), project, 0, true, map[string]string{"WHOSE": project}, nil); err != nil {
			t.Fatal(err)
		}
	}
	blog := v.As(v.Login(jobs.SecretRole, "blog", "web-live_app"))
	other := v.As(v.Login(jobs.SecretRole, "blog-2", "web-live_app")) // logs in after it, with the same job
	for project, c := range map[string]*vault.Client{"blog": blog, "blog-2": other} {
		found, err := c.KVv2(jobs.SecretMount).Get(t.Context(), jobs.SecretPath(project))
		if err != nil || found.Data["WHOSE"] != project {
			t.Errorf("%s reads its own: %v, %v", project, found, err)
		}
	}
	for _, path := range []string{
		"fngen/data/blog-2/env", "fngen/data/blog/../blog-2/env", "fngen/data/blog%2f..%2fblog-2/env", "fngen/data//blog-2/env", "fngen/data/blog-2/env/",
		"fngen/data/*/env", "fngen/data/+/env", "fngen/metadata/blog-2/env", "fngen/metadata/blog/env", "fngen/subkeys/blog-2/env", "fngen/data/shop/env",
		"platform/data/fngend", "auth/jwt-nomad/role/fngen-project", "sys/policies/acl/fngen-project",
	} {
		if found, err := blog.Logical().ReadRaw(path); err == nil {
			found.Body.Close()
			t.Errorf("blog reads %s", path)
		}
	}
	if _, err := blog.KVv2(jobs.SecretMount).Put(t.Context(), jobs.SecretPath("blog"), map[string]any{"A": "b"}, vault.WithCheckAndSet(1)); !forbidden(err) {
		t.Errorf("blog writes its own: %v", err)
	}
	// No identity of a project's logs in as the control plane.
	_, err := v.Root.Logical().Write("auth/jwt-nomad/login", map[string]any{"role": "fngend", "jwt": v.Identity("blog", "fngend")})
	if err == nil {
		t.Error("blog logs in as the control plane")
	}
}

func testDelete(t *testing.T, s store, remove func(string)) {
	ctx := t.Context()
	if _, err := s.Write(ctx, "old", 0, true, map[string]string{"A": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	remove("old")
	if n, err := s.Newest(ctx, "old"); err != nil || n.Number != 1 || !n.Gone || len(n.Names) > 0 {
		t.Errorf("deleted by hand: %+v, %v", n, err)
	}
	if has, err := s.Has(ctx, "old", 1); err != nil || has {
		t.Errorf("deleted by hand and there: %t, %v", has, err)
	}
	if n, err := s.Write(ctx, "old", 1, true, map[string]string{"B": "2"}, nil); err != nil || n != 2 {
		t.Errorf("upon a deleted one: %d, %v", n, err)
	}
	for range 2 { // again, since a destroy may be
		if err := s.Delete(ctx, "old"); err != nil {
			t.Error(err)
		}
	}
	if n, err := s.Newest(ctx, "old"); err != nil || n.Number != 0 {
		t.Errorf("after all were deleted: %+v, %v", n, err)
	}
}

func testAway(t *testing.T, v *secrettest.Vault, s *secret.Store) {
	lost, err := secret.New(v.Addr, filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Newest(t.Context(), "shop"); !errors.Is(err, secret.ErrAway) {
		t.Errorf("without a token: %v", err)
	}
	nowhere, err := secret.New("http://127.0.0.1:1", v.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nowhere.Newest(t.Context(), "shop"); !errors.Is(err, secret.ErrAway) {
		t.Errorf("where nobody listens: %v", err)
	}
	v.Seal()
	_, err = s.Write(t.Context(), "shop", 2, false, map[string]string{"C": "canary"}, nil)
	if !errors.Is(err, secret.ErrAway) || strings.Contains(err.Error(), "canary") {
		t.Errorf("sealed: %v", err)
	}
}

func forbidden(err error) bool {
	refused, ok := errors.AsType[*vault.ResponseError](err)
	return ok && refused.StatusCode == http.StatusForbidden
}
