package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/access"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
)

// TestScopes tries every route with a key of every scope, against the table; a
// route that is not in the table fails it.
func TestScopes(t *testing.T) {
	p := servertest.New(t)
	keys := scopedKeys(t, p)
	if got := len(p.Server().Patterns()); got != access.Routes() {
		t.Errorf("%d routes, %d in the table", got, access.Routes())
	}
	for _, pattern := range p.Server().Patterns() {
		need, ok := access.Needs(pattern)
		if !ok {
			t.Errorf("%s has no scope: add it to the table in scopes.go", pattern)
		}
		for scope, key := range keys {
			// What a person's key is allowed is tried where it does nothing.
			project := "shop"
			if scope == api.ScopeAccount {
				project = "ghost"
			}
			method, path, _ := strings.Cut(pattern, " ")
			path = strings.NewReplacer("{project}", project, "{digest}", "x", "{id}", "x", "{key}", "99").Replace(path)
			status, problem := try(t, method, p.URL+path, key)
			if got, want := status != http.StatusForbidden, scope.Includes(need); got != want {
				t.Errorf("%s with a key to %s: %d %+v, want allowed %v", pattern, scope, status, problem, want)
			}
			if !strings.Contains(pattern, "{project}") || scope == api.ScopeAccount {
				continue
			}
			// The other project of the same account is never to be reached.
			other := strings.Replace(path, "/shop", "/blog", 1)
			if status, problem := try(t, method, p.URL+other, key); status != http.StatusForbidden || !strings.Contains(problem.Detail, `for project "shop"`) {
				t.Errorf("%s of another project with a key to %s: %d %+v", pattern, scope, status, problem)
			}
		}
	}
}

// scopedKeys makes the projects shop and blog, and a key of each scope, those of
// projects for shop.
func scopedKeys(t *testing.T, p *servertest.Platform) map[api.Scope]string {
	t.Helper()
	_, secret := p.Account(t, "a@example.com")
	ctx := t.Context()
	out := map[api.Scope]string{api.ScopeAccount: secret.Reveal()}
	account, err := p.Store.AccountByEmail(ctx, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	actor := store.Actor{AccountID: account.ID}
	shop, err := p.Store.CreateProject(ctx, actor, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Store.CreateProject(ctx, actor, "blog"); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []api.Scope{api.ScopePlan, api.ScopeDeploy} {
		_, secret, err := p.Store.CreateDeployKey(ctx, actor, shop, scope, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		out[scope] = secret.Reveal()
	}
	return out
}

// try sends a request without a body, and reads the problem when it was refused.
func try(t *testing.T, method, url, key string) (int, api.Problem) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var problem api.Problem
	if resp.StatusCode >= 400 {
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, problem
}

// TestRouteWithoutScope adds a route that the table does not have: no deploy key opens it.
func TestRouteWithoutScope(t *testing.T) {
	p := servertest.New(t)
	keys := scopedKeys(t, p)
	p.Server().AddRoute("GET /v1/projects/{project}/new", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `"in"`) })
	for scope, key := range keys {
		status, _ := try(t, "GET", p.URL+"/v1/projects/shop/new", key)
		if (status == http.StatusOK) != (scope == api.ScopeAccount) {
			t.Errorf("with a key to %s: %d", scope, status)
		}
	}
}
