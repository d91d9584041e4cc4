package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// TestScopes tries every route with a key of every scope, against the table; a
// route that is not in the table fails it.
func TestScopes(t *testing.T) {
	p := newPlatform(t)
	p.server.keys = newLimiters[int64](1e6, 1e6)
	keys := scopedKeys(t, p)
	if len(p.server.people.patterns) != len(scopes) {
		t.Errorf("%d routes, %d in the table", len(p.server.people.patterns), len(scopes))
	}
	for _, pattern := range p.server.people.patterns {
		need, ok := scopes[pattern]
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
			status, problem := try(t, method, p.url+path, key)
			if got, want := status != http.StatusForbidden, scope.Includes(need); got != want {
				t.Errorf("%s with a key to %s: %d %+v, want allowed %v", pattern, scope, status, problem, want)
			}
			if !strings.Contains(pattern, "{project}") || scope == api.ScopeAccount {
				continue
			}
			// The other project of the same account is never to be reached.
			other := strings.Replace(path, "/shop", "/blog", 1)
			if status, problem := try(t, method, p.url+other, key); status != http.StatusForbidden || !strings.Contains(problem.Detail, `for project "shop"`) {
				t.Errorf("%s of another project with a key to %s: %d %+v", pattern, scope, status, problem)
			}
		}
	}
}

// scopedKeys makes the projects shop and blog, and a key of each scope, those of
// projects for shop.
func scopedKeys(t *testing.T, p *platform) map[api.Scope]string {
	t.Helper()
	_, secret := p.account(t, "a@example.com")
	ctx := t.Context()
	out := map[api.Scope]string{api.ScopeAccount: secret.Reveal()}
	account, err := p.store.AccountByEmail(ctx, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	actor := store.Actor{AccountID: account.ID}
	shop, err := p.store.CreateProject(ctx, actor, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.CreateProject(ctx, actor, "blog"); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []api.Scope{api.ScopePlan, api.ScopeDeploy} {
		_, secret, err := p.store.CreateDeployKey(ctx, actor, shop, scope, time.Hour, "")
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
	p := newPlatform(t)
	keys := scopedKeys(t, p)
	p.server.people.HandleFunc("GET /v1/projects/{project}/new", func(w http.ResponseWriter, _ *http.Request) { p.server.reply(w, "in") })
	for scope, key := range keys {
		status, _ := try(t, "GET", p.url+"/v1/projects/shop/new", key)
		if (status == http.StatusOK) != (scope == api.ScopeAccount) {
			t.Errorf("with a key to %s: %d", scope, status)
		}
	}
}

func TestUnknownScopeOpensNothing(t *testing.T) {
	for _, scope := range []api.Scope{"", "all", "Account"} {
		for pattern := range scopes {
			if err := mayUse(store.Actor{Scope: scope}, pattern, ""); err == nil {
				t.Errorf("scope %q opens %s", scope, pattern)
			}
		}
	}
}

func TestDeployKeys(t *testing.T) {
	p := newPlatform(t)
	a, _ := p.account(t, "a@example.com")
	b, _ := p.account(t, "b@example.com")
	ctx := t.Context()
	for _, name := range []string{"shop", "blog"} {
		if _, err := a.CreateProject(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	want := api.NewDeployKey{Project: "shop", Scope: api.ScopeDeploy, ExpiresIn: 3600, Label: "ci"}
	made, err := a.CreateKey(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	ci := p.client(t, made.Key)
	if got, err := ci.Projects(ctx); err != nil || len(got) != 1 || got[0].Name != "shop" {
		t.Errorf("the key of shop sees %+v, %v", got, err)
	}
	tree := newTree(map[string]string{"a.py": "x"})
	upload(t, ci, "shop", tree)
	_, err = ci.CreateKey(ctx, want)
	wantProblem(t, err, api.Forbidden)
	_, err = b.CreateKey(ctx, want)
	wantProblem(t, err, api.NotFound)
	_, err = b.RevokeKey(ctx, made.ID)
	wantProblem(t, err, api.NotFound)
	for _, bad := range []api.NewDeployKey{
		{Project: "shop", Scope: api.ScopeAccount, ExpiresIn: 3600}, {Project: "shop", Scope: api.ScopePlan}, {Project: "shop", Scope: api.ScopePlan, ExpiresIn: 1 << 40},
	} {
		_, err := a.CreateKey(ctx, bad)
		wantProblem(t, err, api.Invalid)
	}
	list, err := a.Keys(ctx)
	i := slices.IndexFunc(list, func(k api.KeyInfo) bool { return k.ID == made.ID })
	if err != nil || i < 0 || list[i].LastUsed == nil || list[i].Project != "shop" || list[i].ExpiresAt == nil || list[i].Label != "ci" {
		t.Errorf("keys are %+v, %v", list, err)
	}
	if _, err := a.RevokeKey(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = ci.Account(ctx)
	wantProblem(t, err, api.Unauthenticated)
	if strings.Contains(p.log.String(), made.Key) {
		t.Error("the key is in the log")
	}
}
