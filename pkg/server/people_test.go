package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// wantProblem checks the code of an error that came over HTTP.
func wantProblem(t *testing.T, err error, code api.Code) *api.Problem {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error %v, want the problem %s", err, code)
	}
	if p.Code != code || p.RequestID == "" {
		t.Errorf("problem %+v, want the code %s and a request id", p, code)
	}
	return p
}

func TestAccountAndProjects(t *testing.T) {
	p := newPlatform(t)
	c, _ := p.account(t, "a@example.com")
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
	wantProblem(t, err, api.Exists)
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
	if got := wantProblem(t, err, api.NotFound); got.Detail != `project "shop" does not exist` {
		t.Errorf("detail is %q", got.Detail)
	}
}

// TestIsolation tries everything with another account's project. The answer is
// that of a project which is not there.
func TestIsolation(t *testing.T) {
	p := newPlatform(t)
	a, _ := p.account(t, "a@example.com")
	b, _ := p.account(t, "b@example.com")
	ctx := t.Context()
	if _, err := a.CreateProject(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	tree := newTree(map[string]string{"a.py": "x"})
	upload(t, a, "shop", tree)
	for _, name := range []string{"shop", "nothing", "../projects/shop", "sh%6fp", ""} {
		for what, f := range map[string]func() error{
			"status":  func() error { _, err := b.Status(ctx, name); return err },
			"destroy": func() error { _, err := b.Destroy(ctx, name); return err },
			"latest":  func() error { _, err := b.LatestTree(ctx, name); return err },
			"upload":  func() error { return b.Upload(ctx, name, &api.Upload{Tree: tree}) },
			"ask":     func() error { return b.Upload(ctx, name, &api.Upload{Tree: tree, Base: &tree.Manifest, Ask: true}) },
			"push":    func() error { _, err := b.Push(ctx, name, api.PushRequest{Tree: tree.Digest()}); return err },
		} {
			if err := f(); err == nil {
				t.Errorf("%s of %q was allowed", what, name)
			} else if name == "shop" {
				wantProblem(t, err, api.NotFound)
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

func TestAuthentication(t *testing.T) {
	p := newPlatform(t)
	c, secret := p.account(t, "a@example.com")
	ctx := t.Context()
	typo := []byte(secret.Reveal())
	typo[10] ^= 1
	for _, key := range []string{"", "x", string(typo)} {
		_, err := p.client(t, key).Account(ctx)
		if got := wantProblem(t, err, api.Unauthenticated); got.Status != 401 || !strings.Contains(got.Help, "FNGEN_API_KEY") {
			t.Errorf("problem %+v", got)
		}
	}
	// Every route of people's demands a key, those that do not exist too.
	for _, route := range []string{
		"GET /v1/account", "GET /v1/platform", "GET /v1/projects", "POST /v1/projects", "GET /v1/projects/x", "DELETE /v1/projects/x",
		"GET /v1/projects/x/trees/latest", "PUT /v1/projects/x/trees/y", "POST /v1/projects/x/pushes", "GET /v1/nothing",
		"GET /v1/agent/trees/x", "GET /v1/agent/layers/x", "PUT /v1/agent/layers/x",
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, path := range []string{path, "/" + path, "/x/.." + path} {
			if status, _ := request(t, method, p.url+path, ""); status < 300 {
				t.Errorf("%s %s without a key: %d", method, path, status)
			} else if strings.HasPrefix(path, "/v1") && status != http.StatusUnauthorized {
				t.Errorf("%s %s without a key: %d", method, path, status)
			}
		}
	}
	if err := p.store.RevokeKey(ctx, store.Actor{}, 1); err != nil {
		t.Fatal(err)
	}
	_, err := c.Account(ctx)
	wantProblem(t, err, api.Unauthenticated)
	if strings.Contains(p.log.String(), secret.Reveal()) {
		t.Error("the key is in the log")
	}
}

func request(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestFailuresAreLimited guesses keys. The owner of a good key at the same
// address does not notice.
func TestFailuresAreLimited(t *testing.T) {
	p := newPlatform(t)
	c, _ := p.account(t, "a@example.com")
	stranger := p.client(t, "wrong")
	var limited *api.Problem
	for range failureBurst + 5 {
		_, err := stranger.Account(t.Context())
		var got *api.Problem
		if errors.As(err, &got) && got.Status == http.StatusTooManyRequests {
			limited = got
		}
	}
	if limited == nil {
		t.Error("guessing was not limited")
	}
	if _, err := c.Account(t.Context()); err != nil {
		t.Errorf("a good key: %v", err)
	}
}

func TestKeysAreLimited(t *testing.T) {
	p := newPlatform(t)
	p.server.keys = newLimiters[int64](0.001, 1)
	a, _ := p.account(t, "a@example.com")
	b, _ := p.account(t, "b@example.com")
	if _, err := a.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := a.Account(t.Context())
	if got := wantProblem(t, err, api.Busy); got.Status != http.StatusTooManyRequests {
		t.Errorf("problem %+v", got)
	}
	if _, err := b.Account(t.Context()); err != nil {
		t.Errorf("another key: %v", err)
	}
}

func TestLimitersForget(t *testing.T) {
	l := newLimiters[int](1, 2)
	for i := range 3 * maxLimiters {
		l.allow(i)
	}
	if len(l.m) > maxLimiters {
		t.Errorf("%d buckets are kept", len(l.m))
	}
}

// TestUnknownErrorIsHidden shows a caller "internal" and the log everything.
func TestUnknownErrorIsHidden(t *testing.T) {
	p := newPlatform(t)
	c, _ := p.account(t, "a@example.com")
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	p.deployer.statusOf = func(store.Project) (api.Status, error) {
		return api.Status{}, fmt.Errorf("dial tcp 10.1.2.3: refused")
	}
	_, err := c.Status(t.Context(), "shop")
	got := wantProblem(t, err, api.Internal)
	if strings.Contains(got.Detail, "10.1.2.3") {
		t.Errorf("detail is %q", got.Detail)
	}
	if log := p.log.String(); !strings.Contains(log, "10.1.2.3") || !strings.Contains(log, got.RequestID) {
		t.Errorf("the log does not tell:\n%s", log)
	}
}

func TestProblemsHaveOneShape(t *testing.T) {
	p := newPlatform(t)
	_, secret := p.account(t, "a@example.com")
	if _, err := p.client(t, secret.Reveal()).CreateProject(t.Context(), "shop"); err != nil {
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
		req, err := http.NewRequestWithContext(t.Context(), c.method, p.url+c.path, strings.NewReader(c.body))
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
	p := newPlatform(t)
	if status, text := request(t, "GET", p.url+"/healthz", ""); status != 200 || !strings.Contains(text, "ok") {
		t.Errorf("health: %d %s", status, text)
	}
	status, text := request(t, "GET", p.url+"/openapi.json", "")
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
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := request(t, "GET", p.url+"/healthz", ""); status != 500 {
		t.Errorf("health without a store: %d", status)
	}
}
