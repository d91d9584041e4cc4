package control

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// harness runs commands in one data directory.
type harness struct {
	env      map[string]string
	deployer deployerFactory
}

func newHarness(t *testing.T) *harness {
	return &harness{env: map[string]string{
		"FNGEND_DATA": filepath.Join(t.TempDir(), "new", "data"), "FNGEND_DOMAIN": "fngen.localhost", "FNGEND_API_URL": "https://api.fngen.localhost",
		"FNGEND_INGRESS": "127.0.0.1:8443", "FNGEND_PYTHONS": "3.11, 3.12,",
	}}
}

func (h *harness) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &app{out: &out, err: &errs, getenv: func(k string) string { return h.env[k] }, deployer: h.deployer})
	return code, out.String(), errs.String()
}

func TestAccountsAndKeys(t *testing.T) {
	h := newHarness(t)
	if code, out, errs := h.run(t, "account", "create", "a@example.com"); code != 0 || out != "" {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	code, out, errs := h.run(t, "key", "create", "a@example.com", "--label", "ci")
	if code != 0 || api.ParseKey(strings.TrimSuffix(out, "\n")) != nil || !strings.Contains(errs, "this once") || strings.Contains(errs, out) {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	key := strings.TrimSpace(out)
	if _, out, _ := h.run(t, "account", "list"); !strings.HasPrefix(out, "a@example.com  ") {
		t.Errorf("accounts:\n%s", out)
	}
	list := func(want string) {
		t.Helper()
		_, out, _ := h.run(t, "key", "list", "A@example.com")
		if !regexp.MustCompile(want).MatchString(out) || strings.Contains(out, key) {
			t.Errorf("keys:\n%s\nwant %s", out, want)
		}
	}
	list(`^1  fngen_\w{4}\.\.\.  \S+Z  used -  active  ci\n$`)
	if code, _, errs := h.run(t, "key", "revoke", "1"); code != 0 {
		t.Fatal(errs)
	}
	list(`^1 .* revoked \S+Z  ci\n$`)
}

func TestRefusals(t *testing.T) {
	h := newHarness(t)
	h.run(t, "account", "create", "a@example.com")
	for command, want := range map[string]string{
		"account create a@example.com":   `account "a@example.com" exists already`,
		"account create a":               `"a" is not an email address`,
		"account create <a@example.com>": `is not an email address`,
		"key create b@example.com":       `account "b@example.com" does not exist`,
		"key revoke 9":                   `API key 9 does not exist`,
		"key revoke x":                   `"x" is not the number of a key`,
		"frob":                           `unknown command "frob"`,
		"account create":                 `accepts 1 arg`,
	} {
		if code, out, errs := h.run(t, strings.Fields(command)...); code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %q %q", command, code, out, errs)
		}
	}
	delete(h.env, "FNGEND_DOMAIN")
	delete(h.env, "FNGEND_INGRESS")
	if code, _, errs := h.run(t, "serve"); code != 1 || errs != "fngend: the environment lacks FNGEND_DOMAIN, FNGEND_INGRESS\n" {
		t.Errorf("%d %q", code, errs)
	}
	h.env["FNGEND_TRUSTED_PROXIES"] = "10.0.0.0/8, router.example.com"
	if code, _, errs := h.run(t, "serve"); code != 1 || errs != "fngend: read FNGEND_TRUSTED_PROXIES: \"router.example.com\" is not a network such as 10.1.0.0/16\n" {
		t.Errorf("%d %q", code, errs)
	}
	delete(h.env, "FNGEND_DATA")
	if code, _, errs := h.run(t, "account", "list"); code != 1 || !strings.Contains(errs, "FNGEND_DATA") {
		t.Errorf("%d %q", code, errs)
	}
}

// TestServe starts the server, uses it, makes a key beside it, and ends it in
// the middle of a push.
func TestServe(t *testing.T) {
	h := newHarness(t)
	h.env["FNGEND_LISTEN"] = "127.0.0.1:0"
	// A goal of the whole process does not suit a test binary.
	h.env["GOMEMLIMIT"] = "off"
	d := &endlessDeployer{stopped: make(chan struct{})}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	log := &logged{}
	done := make(chan int, 1)
	a := &app{out: log, err: log, getenv: func(k string) string { return h.env[k] }, patience: 100 * time.Millisecond, farewell: time.Minute}
	a.deployer = func(_ context.Context, c Config, s *store.Store, _ *blob.Dir, _ parts, _ *slog.Logger) (deployer, error) {
		if fmt.Sprint(c.Pythons) != "[3.11 3.12]" {
			t.Errorf("pythons %q", c.Pythons)
		}
		d.store = s
		return d, nil
	}
	go func() { done <- run(ctx, []string{"serve"}, a) }()
	address := ""
	waitFor(t, func() bool {
		found := listening.FindStringSubmatch(log.String())
		if found == nil {
			return false
		}
		address = found[1]
		return true
	})
	resp, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !d.recovered {
		t.Error("serving began before recovery")
	}
	h.run(t, "account", "create", "a@example.com")
	_, key, _ := h.run(t, "key", "create", "a@example.com")
	c, err := api.NewClient("http://"+address, strings.TrimSpace(key), "", "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	var empty api.Manifest
	if err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: source.Tree{Manifest: empty}}); err != nil {
		t.Fatal(err)
	}
	stream, err := c.Push(t.Context(), "shop", api.PushRequest{Tree: empty.Digest()})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	end()
	e, err := stream.Next()
	if err != nil || e.Failed == nil {
		t.Errorf("the push ended with %+v, %v", e, err)
	}
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("code %d, log:\n%s", code, log)
		}
	case <-time.After(3 * time.Minute):
		t.Fatal("the server did not end")
	}
	if info, err := os.Stat(h.env["FNGEND_DATA"]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v, %v", info, err)
	}
	if strings.Contains(log.String(), strings.TrimSpace(key)) {
		t.Error("the key is in the log")
	}
}

// listening is the line that says where the server listens.
var listening = regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`)

// logged is a log that is read while it is written.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened")
		}
	}
}

// endlessDeployer has pushes that go on until it stops.
type endlessDeployer struct {
	deployer
	store     *store.Store
	recovered bool
	stopped   chan struct{}
	once      sync.Once
}

func (d *endlessDeployer) Recover(context.Context) error { d.recovered = true; return nil }
func (d *endlessDeployer) EmptyServers()                 {}
func (d *endlessDeployer) Stop()                         { d.once.Do(func() { close(d.stopped) }) }

func (d *endlessDeployer) Create(ctx context.Context, actor store.Actor, name string) (store.Project, error) {
	return d.store.CreateProject(ctx, actor, name)
}

func (d *endlessDeployer) Push(context.Context, store.Actor, store.Project, api.PushRequest) (<-chan api.Event, error) {
	events := make(chan api.Event, 1)
	go func() {
		<-d.stopped
		events <- api.Event{Failed: api.NewProblem(api.Failed, "the control plane stops")}
		close(events)
	}()
	return events, nil
}
