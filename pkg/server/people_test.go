package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/store"
)

func TestAccountAndProjects(t *testing.T) {
	p := servertest.New(t)
	c, _ := p.Account(t, "a@example.com")
	ctx := t.Context()
	if got, err := c.Account(ctx); err != nil || got.Email != "a@example.com" {
		t.Errorf("account %+v, %v", got, err)
	}
	if got, err := c.Platform(ctx); err != nil || got.Domain != "fngen.localhost" {
		t.Errorf("platform %+v, %v", got, err)
	}
	if got, err := c.Projects(ctx); err != nil || got == nil || len(got) != 0 {
		t.Errorf("projects %+v, %v", got, err)
	}
	for _, name := range []string{"shop", "blog"} {
		if got, err := c.CreateProject(ctx, name); err != nil || got.Name != name || got.State != "empty" {
			t.Errorf("created %+v, %v", got, err)
		}
	}
	_, err := c.CreateProject(ctx, "shop")
	servertest.WantProblem(t, err, api.Exists)
	if got, err := c.Projects(ctx); err != nil || len(got) != 2 || got[0].Name != "blog" {
		t.Errorf("projects %+v, %v", got, err)
	}
	if got, err := c.Status(ctx, "shop"); err != nil || got.Project != "shop" {
		t.Errorf("status %+v, %v", got, err)
	}
	if got, err := c.Destroy(ctx, "shop"); err != nil || got.Project != "shop" {
		t.Errorf("destroyed %+v, %v", got, err)
	}
	_, err = c.Status(ctx, "shop")
	if got := servertest.WantProblem(t, err, api.NotFound); got.Detail != `project "shop" does not exist` {
		t.Errorf("detail is %q", got.Detail)
	}
}

// TestIsolation tries everything with another account's project. The answer is
// that of a project which is not there.
func TestIsolation(t *testing.T) {
	p := servertest.New(t)
	a, _ := p.Account(t, "a@example.com")
	b, _ := p.Account(t, "b@example.com")
	ctx := t.Context()
	if _, err := a.CreateProject(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	tree := treetest.New(map[string]string{"a.py": "x"})
	servertest.Upload(t, a, "shop", tree)
	for _, name := range []string{"shop", "nothing", "../projects/shop", "sh%6fp", ""} {
		for what, f := range map[string]func() error{
			"status":  func() error { _, err := b.Status(ctx, name); return err },
			"destroy": func() error { _, err := b.Destroy(ctx, name); return err },
			"latest":  func() error { _, err := b.LatestTree(ctx, name); return err },
			"upload":  func() error { return upload.Send(ctx, b, name, &upload.Request{Tree: tree}) },
			"ask": func() error {
				return upload.Send(ctx, b, name, &upload.Request{Tree: tree, Base: &tree.Manifest, Ask: true})
			},
			"push":     func() error { _, err := b.Push(ctx, name, api.PushRequest{Tree: tree.Digest()}); return err },
			"plan":     func() error { _, err := b.Plan(ctx, name, api.PlanRequest{Tree: tree.Digest()}); return err },
			"releases": func() error { _, err := b.Releases(ctx, name); return err },
			"rollback": func() error { _, err := b.Rollback(ctx, name, 1); return err },
		} {
			if err := f(); err == nil {
				t.Errorf("%s of %q was allowed", what, name)
			} else if name == "shop" {
				servertest.WantProblem(t, err, api.NotFound)
			}
		}
	}
	if got, err := b.Projects(ctx); err != nil || len(got) != 0 {
		t.Errorf("projects %+v, %v", got, err)
	}
	if _, err := a.Status(ctx, "shop"); err != nil {
		t.Errorf("the owner's project: %v", err)
	}
}

// TestUnknownErrorIsHidden shows a caller "internal" and the log everything.
func TestUnknownErrorIsHidden(t *testing.T) {
	p := servertest.New(t)
	c, _ := p.Account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	p.Deployer.StatusOf = func(store.Project) (api.Status, error) {
		return api.Status{}, fmt.Errorf("dial tcp 10.1.2.3: refused")
	}
	_, err := c.Status(t.Context(), "shop")
	got := servertest.WantProblem(t, err, api.Internal)
	if strings.Contains(got.Detail, "10.1.2.3") {
		t.Errorf("detail is %q", got.Detail)
	}
	if log := p.Log.String(); !strings.Contains(log, "10.1.2.3") || !strings.Contains(log, got.RequestID) {
		t.Errorf("the log does not tell:\n%s", log)
	}
}

func TestProblemsHaveOneShape(t *testing.T) {
	p := servertest.New(t)
	_, secret := p.Account(t, "a@example.com")
	if _, err := p.Client(t, secret.Reveal()).CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code               api.Code
	}{
		{"GET", "/nothing", "", 404, api.NotFound},
		{"GET", "/v1/nothing", "", 404, api.NotFound},
		{"POST", "/v1/projects", "{", 400, api.Invalid},
		{"POST", "/v1/projects", `{"name":7}`, 422, api.Invalid},
		{"POST", "/v1/projects", `{}`, 422, api.Invalid},
		{"POST", "/v1/projects", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413, api.TooLarge},
		{"POST", "/v1/projects/shop/pushes", "", 400, api.Invalid},
		{"POST", "/v1/projects/shop/pushes?tree=x", "", 400, api.Invalid},
		{"POST", "/v1/projects/shop/pushes?entry=../x&tree=sha256:" + strings.Repeat("0", 64), "", 400, api.Invalid},
		{"POST", "/v1/projects/shop/pushes?tree=sha256:" + strings.Repeat("0", 64), "", 409, api.TreeMissing},
		{"PUT", "/v1/projects/shop/trees/x", "", 400, api.Invalid},
		{"POST", "/v1/projects/shop/trees/latest", "", 404, api.NotFound},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, p.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "bearer "+secret.Reveal())
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Request-Id", "my-id")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var got api.Problem
		err = json.NewDecoder(resp.Body).Decode(&got)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || got.Status != c.status || got.Code != c.code || got.RequestID != "my-id" {
			t.Errorf("%s %s %.30s: %d %+v %v, want %d %s", c.method, c.path, c.body, resp.StatusCode, got, err, c.status, c.code)
		}
		if kind := resp.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s %s: content type %q", c.method, c.path, kind)
		}
		if id := resp.Header.Get("X-Request-Id"); id != "my-id" {
			t.Errorf("%s %s: request id %q", c.method, c.path, id)
		}
	}
}

func TestPublicRoutes(t *testing.T) {
	p := servertest.New(t)
	if status, text := servertest.Request(t, "GET", p.URL+"/healthz", ""); status != 200 || !strings.Contains(text, "ok") {
		t.Errorf("health: %d %s", status, text)
	}
	status, text := servertest.Request(t, "GET", p.URL+"/openapi.json", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || status != 200 || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("description: %d %v %.100s", status, err, text)
	}
	for path, methods := range map[string][]string{
		"/v1/account": {"get"}, "/v1/platform": {"get"}, "/v1/projects": {"get", "post"}, "/v1/projects/{project}": {"get", "delete"},
		"/v1/projects/{project}/trees/latest": {"get"}, "/v1/projects/{project}/trees/{digest}": {"put"}, "/v1/projects/{project}/pushes": {"post"},
	} {
		for _, method := range methods {
			if doc.Paths[path][method] == nil {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	if strings.Contains(text, "ErrorModel") {
		t.Error("the description has another error than Problem")
	}
	if err := p.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := servertest.Request(t, "GET", p.URL+"/healthz", ""); status != 500 {
		t.Errorf("health without a store: %d", status)
	}
}

// TestProjectsOfAnAccount creates one too many.
func TestProjectsOfAnAccount(t *testing.T) {
	p, c := servertest.WithShop(t)
	p.Restart(func(o *server.Options) { o.Projects = 2 })
	if _, err := c.CreateProject(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateProject(t.Context(), "third")
	servertest.WantProblem(t, err, api.NoRoom)
	other, _ := p.Account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "third"); err != nil {
		t.Error(err)
	}
}
