package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
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

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := newKey()
	holder := struct {
		Secret Secret
		Ptr    *Secret
	}{secret, &secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb, secret)
		fmt.Fprintf(&out, verb, &secret)
		fmt.Fprintf(&out, verb, holder)
	}
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("key", "secret", secret, "holder", holder)
	}
	hidden := fmt.Sprintf("%x", secret.Reveal())
	if s := out.String(); strings.Contains(s, secret.Reveal()) || strings.Contains(strings.ToLower(s), hidden) {
		t.Errorf("the secret is in:\n%s", s)
	}
}

func testKeys(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	who := person(t, s, "a@example.com")
	key, secret, err := s.CreateKey(ctx, who, who.AccountID, "laptop")
	if err != nil {
		t.Fatal(err)
	}
	if err := api.ParseKey(secret.Reveal()); err != nil {
		t.Fatal(err)
	}
	got := must(s.Authenticate(ctx, secret.Reveal()))(t)
	if want := (Actor{AccountID: who.AccountID, KeyID: key.ID, Email: "a@example.com", Scope: api.ScopeAccount}); got != want {
		t.Errorf("actor is %+v, want %+v", got, want)
	}
	used := func() time.Time { return must(s.Keys(ctx, who.AccountID))(t)[0].LastUsed }
	first := used()
	if !first.Equal(c.now()) {
		t.Errorf("last used %v, want %v", first, c.now())
	}
	c.pass(59 * time.Second)
	must(s.Authenticate(ctx, secret.Reveal()))(t)
	if !used().Equal(first) {
		t.Error("last use was written again within a minute")
	}
	c.pass(time.Second)
	must(s.Authenticate(ctx, secret.Reveal()))(t)
	if !used().Equal(c.now()) {
		t.Error("last use was not written after a minute")
	}
	for _, bad := range []string{"", "x", secret.Reveal() + "x", newKey().Reveal()} {
		_, err := s.Authenticate(ctx, bad)
		wantErr(t, err, ErrUnauthenticated)
	}
	if err := s.RevokeKey(ctx, who, key.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeKey(ctx, who, key.ID); err != nil {
		t.Errorf("revoking twice: %v", err)
	}
	_, err = s.Authenticate(ctx, secret.Reveal())
	wantErr(t, err, ErrUnauthenticated)
	wantErr(t, s.RevokeKey(ctx, who, 999), ErrNotFound)
	if _, _, err := s.CreateKey(ctx, who, 999, ""); err == nil {
		t.Error("a key was made for an account that is not there")
	}
}
