package store

import (
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
)

func testDeployKeys(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	who := person(t, s, "a@example.com")
	shop := must(s.CreateProject(ctx, who, "shop"))(t)
	key, secret, err := s.CreateDeployKey(ctx, who, shop, api.ScopePlan, time.Hour, "ci")
	if err != nil {
		t.Fatal(err)
	}
	got := must(s.Authenticate(ctx, secret.Reveal()))(t)
	if want := (Actor{AccountID: who.AccountID, KeyID: key.ID, Email: "a@example.com", Scope: api.ScopePlan, Project: "shop"}); got != want {
		t.Errorf("actor is %+v, want %+v", got, want)
	}
	key.LastUsed = c.now()
	if all := must(s.Keys(ctx, who.AccountID))(t); len(all) != 1 || all[0] != key {
		t.Errorf("keys are %+v, want %+v", all, key)
	}
	c.pass(time.Hour - time.Microsecond)
	must(s.Authenticate(ctx, secret.Reveal()))(t)
	c.pass(time.Microsecond)
	_, err = s.Authenticate(ctx, secret.Reveal())
	wantErr(t, err, ErrUnauthenticated)
	if !strings.Contains(err.Error(), "expired on 2026-01-02") {
		t.Errorf("error is %q", err)
	}
	for scope, life := range map[api.Scope]time.Duration{api.ScopeAccount: time.Hour, "": time.Hour, "all": time.Hour, api.ScopeDeploy: 0} {
		if _, _, err := s.CreateDeployKey(ctx, who, shop, scope, life, ""); err == nil {
			t.Errorf("a deploy key of scope %q for %s was made", scope, life)
		}
	}
	testKeysEndWithProject(t, s, who, shop)
}

// testKeysEndWithProject destroys the project of a key, and takes its name again.
func testKeysEndWithProject(t *testing.T, s *Store, who Actor, shop Project) {
	ctx := t.Context()
	key, secret, err := s.CreateDeployKey(ctx, who, shop, api.ScopeDeploy, time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	must(s.DeleteProject(ctx, who, shop.ID))(t)
	must(s.CreateProject(ctx, who, "shop"))(t)
	_, err = s.Authenticate(ctx, secret.Reveal())
	wantErr(t, err, ErrUnauthenticated)
	all := must(s.Keys(ctx, who.AccountID))(t)
	if last := all[len(all)-1]; last.ID != key.ID || last.RevokedAt.IsZero() || last.Project != "" {
		t.Errorf("the key of a destroyed project is %+v", last)
	}
	_, _, err = s.CreateDeployKey(ctx, who, shop, api.ScopeDeploy, time.Hour, "")
	wantErr(t, err, ErrNotFound)
}
