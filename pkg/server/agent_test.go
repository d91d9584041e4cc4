package server

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
)

// nomadKeys signs workload identities and publishes the public keys, as Nomad
// does. What is under test is our checking of them.
type nomadKeys struct {
	url    string
	client *http.Client
	key    *rsa.PrivateKey
	id     atomic.Pointer[string]
	asked  atomic.Int64
	broken atomic.Bool

	mu    sync.Mutex
	ended map[string]bool // allocations
	about int             // how often it was asked about one
}

// Alive is what Nomad says of allocations; e2e/identity_test.go holds the real one to it.
func (n *nomadKeys) Alive(_ context.Context, _, _, id string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.about++
	if n.broken.Load() {
		return false, errors.New("no leader")
	}
	return !n.ended[id], nil
}

func (n *nomadKeys) end(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended[id] = true
}

func newNomadKeys(t *testing.T) *nomadKeys {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := &nomadKeys{key: key, ended: map[string]bool{}}
	n.rotate("key-1")
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.asked.Add(1)
		if r.URL.Path != "/.well-known/jwks.json" || n.broken.Load() {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: *n.id.Load(), Algorithm: "RS256", Use: "sig"}}}
		if err := json.NewEncoder(w).Encode(set); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(ts.Close)
	n.url, n.client = ts.URL, ts.Client()
	return n
}

func (n *nomadKeys) rotate(id string) { n.id.Store(&id) }

type claims map[string]any

func jobClaims(namespace, job string) claims {
	now := time.Now()
	return claims{
		"aud": "fngen", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"nomad_namespace": namespace, "nomad_job_id": job, "nomad_task": "main",
		"nomad_allocation_id": allocationOf(namespace, job),
	}
}

func allocationOf(namespace, job string) string { return namespace + "/" + job + "/1" }

func (c claims) with(name string, v any) claims {
	c[name] = v
	return c
}

func (n *nomadKeys) sign(t *testing.T, c claims) string {
	t.Helper()
	return signWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: n.key}, *n.id.Load(), c)
}

func signWith(t *testing.T, key jose.SigningKey, id string, c claims) string {
	t.Helper()
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any(c)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestVerifyRefuses(t *testing.T) {
	n := newNomadKeys(t)
	v := NewWorkloadVerifier(n.url+"/", n.client)
	if w, err := v.Verify(t.Context(), n.sign(t, jobClaims("shop", "web-a"))); err != nil || w.Namespace != "shop" || w.JobID != "web-a" || w.Allocation != allocationOf("shop", "web-a") || time.Since(w.Issued) > time.Minute {
		t.Fatalf("a good token: %+v, %v", w, err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := n.sign(t, jobClaims("shop", "web-a"))
	parts := strings.Split(good, ".")
	other := strings.Split(n.sign(t, jobClaims("bank", "web-a")), ".")
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	noEnd := jobClaims("shop", "web-a")
	delete(noEnd, "exp")
	for name, token := range map[string]string{
		"empty":              "",
		"not a token":        "a.b.c",
		"another's payload":  parts[0] + "." + other[1] + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"alg none":           "eyJhbGciOiJub25lIiwia2lkIjoia2V5LTEifQ." + parts[1] + ".",
		"another key":        signWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: stranger}, "key-1", jobClaims("shop", "web-a")),
		"public key as HMAC": signWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: n.key.N.Bytes()}, "key-1", jobClaims("shop", "web-a")),
		"unknown key id":     signWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: n.key}, "key-9", jobClaims("shop", "web-a")),
		"for Vault":          n.sign(t, jobClaims("shop", "web-a").with("aud", "vault.io")),
		"for nobody":         n.sign(t, jobClaims("shop", "web-a").with("aud", nil)),
		"ended":              n.sign(t, jobClaims("shop", "web-a").with("exp", past)),
		"not begun":          n.sign(t, jobClaims("shop", "web-a").with("nbf", future)),
		"endless":            n.sign(t, noEnd),
		"no namespace":       n.sign(t, jobClaims("", "web-a")),
		"no job":             n.sign(t, jobClaims("shop", "")),
		"no allocation":      n.sign(t, jobClaims("shop", "web-a").with("nomad_allocation_id", "")),
		"no time":            n.sign(t, jobClaims("shop", "web-a").with("iat", nil)),
	} {
		if w, err := v.Verify(t.Context(), token); !errors.Is(err, errWorkload) {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
	if got := n.sign(t, jobClaims("shop", "web-a").with("aud", []string{"x", "fngen"})); got != "" {
		if _, err := v.Verify(t.Context(), got); err != nil {
			t.Errorf("one of two audiences: %v", err)
		}
	}
}

func TestKeysAreCachedAndRotate(t *testing.T) {
	n := newNomadKeys(t)
	v := NewWorkloadVerifier(n.url, n.client)
	now := time.Now()
	v.now = func() time.Time { return now }
	verify := func() error {
		_, err := v.Verify(t.Context(), n.sign(t, jobClaims("shop", "web-a")))
		return err
	}
	for range 3 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.asked.Load(); got != 1 {
		t.Errorf("asked %d times for one key", got)
	}
	n.rotate("key-2")
	if err := verify(); !errors.Is(err, errWorkload) {
		t.Errorf("a new key is asked for too soon: %v", err)
	}
	now = now.Add(keysPause + time.Second)
	if err := verify(); err != nil {
		t.Errorf("a new key: %v", err)
	}
	// When Nomad does not answer, the keys that are known stay good.
	n.broken.Store(true)
	now = now.Add(keysAge + time.Second)
	if err := verify(); err != nil {
		t.Errorf("while Nomad is away: %v", err)
	}
	n.rotate("key-3")
	now = now.Add(keysPause + time.Second)
	if err := verify(); err == nil || errors.Is(err, errWorkload) {
		t.Errorf("Nomad's fault was taken for the agent's: %v", err)
	}
	n.broken.Store(false)
	if err := verify(); err != nil {
		t.Errorf("after Nomad came back: %v", err)
	}
}

// agentRequest asks with a workload identity.
func (p *platform) agentRequest(t *testing.T, method, path, namespace, job string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.nomad.sign(t, jobClaims(namespace, job)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

func TestAgentTree(t *testing.T) {
	p, c := projectOf(t)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("d", 200) + "/" + strings.Repeat("f", 200)
	tree := newTree(map[string]string{"a.py": "print(1)", "b/é.py": "", "run.sh": "#!/bin/sh", deep: "deep"})
	for i, f := range tree.Files {
		tree.Files[i].Executable = f.Path == "run.sh"
	}
	upload(t, c, "shop", tree)
	path := "/v1/agent/trees/" + strings.TrimPrefix(tree.Digest(), "sha256:")
	resp, first := p.agentRequest(t, "GET", path, "shop", "web-a", nil)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/zstd" {
		t.Fatalf("%s %s", resp.Status, first)
	}
	if _, second := p.agentRequest(t, "GET", path, "shop", "web-b", nil); !bytes.Equal(first, second) {
		t.Error("the same tree is not the same bytes")
	}
	want := []string{"0 644 0:0 a.py print(1)", "0 644 0:0 b/é.py ", "0 644 0:0 " + deep + " deep", "0 755 0:0 run.sh #!/bin/sh"}
	if got := untar(t, first); !slices.Equal(got, want) {
		t.Errorf("tar is %q, want %q", got, want)
	}
	// What the agent has is a link to it, but for what is executable.
	resp, shorter := p.agentRequest(t, "GET", path+"?have="+digestOf("print(1)")+","+digestOf("#!/bin/sh")+","+digestOf("else"), "shop", "web-a", nil)
	want[0] = "1 644 0:0 a.py " + digestOf("print(1)")
	if got := untar(t, shorter); !slices.Equal(got, want) || resp.Header.Get(api.TreeBytesHeader) != "13" {
		t.Errorf("tar is %q, want %q; %s bytes", got, want, resp.Header.Get(api.TreeBytesHeader))
	}
	for _, c := range []struct {
		namespace, path string
		status          int
	}{
		{"shop", path + "?have=x", 400}, {"shop", path + "?have=" + strings.Repeat(","+digestOf("x"), 201)[1:], 200},
		{"bank", path, 404}, {"nobody", path, 404}, {"shop", path[:len(path)-1] + "g", 400}, {"shop", "/v1/agent/trees/" + strings.Repeat("0", 64), 404},
	} {
		if resp, text := p.agentRequest(t, "GET", c.path, c.namespace, "web-a", nil); resp.StatusCode != c.status {
			t.Errorf("%+v: %s %s", c, resp.Status, text)
		}
	}
}

// untar lists what an archive holds.
func untar(t *testing.T, packed []byte) (got []string) {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %o %d:%d %s %s%s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Name, text, h.Linkname))
	}
}

func TestAgentLayer(t *testing.T) {
	p, c := projectOf(t)
	if _, err := c.CreateProject(t.Context(), "bank"); err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("k", 16)
	path := "/v1/agent/layers/" + key
	steps := []struct {
		what, method, path, namespace, job, body string
		status                                   int
		answer                                   string
	}{
		{"not built", "GET", path, "shop", "web-a", "", 404, ""},
		{"from another job", "PUT", path, "shop", "web-a", "evil", 403, ""},
		{"from the build of another key", "PUT", path, "shop", "build-x" + key[1:], "evil", 403, ""},
		{"not a key", "PUT", "/v1/agent/layers/K", "shop", "build-K", "evil", 400, ""},
		{"from its build", "PUT", path, "shop", "build-" + key, "layer", 204, ""},
		{"built", "GET", path, "shop", "web-a", "", 200, "layer"},
		{"asked for", "HEAD", path, "shop", "web-a", "", 200, ""},
		{"for another project", "GET", path, "bank", "web-a", "", 404, ""},
		{"from another project's build", "PUT", path, "bank", "build-" + key, "other", 204, ""},
		{"not mixed up", "GET", path, "shop", "web-a", "", 200, "layer"},
		{"built again", "PUT", path, "shop", "build-" + key, "again", 204, ""},
		{"the later one", "GET", path, "shop", "web-a", "", 200, "again"},
		{"from the collection of another key", "PUT", path, "shop", "static-x" + key[1:], "evil", 403, ""},
		{"from its collection", "PUT", path, "shop", "static-" + key, "files", 204, ""},
		{"collected", "GET", path, "shop", "web-a", "", 200, "files"},
		{"what is live", "GET", "/v1/agent/static", "shop", "web-a", "", 200, `{"keys":["static-of-shop"]}` + "\n"},
	}
	for _, s := range steps {
		resp, text := p.agentRequest(t, s.method, s.path, s.namespace, s.job, strings.NewReader(s.body))
		if resp.StatusCode != s.status || s.answer != "" && string(text) != s.answer {
			t.Errorf("%s: %s %q", s.what, resp.Status, text)
		}
		if _, err := http.ParseTime(resp.Header.Get("Last-Modified")); resp.StatusCode == 200 && s.path == path && err != nil {
			t.Errorf("%s: %v", s.what, err)
		}
		if s.method == "HEAD" && resp.ContentLength != int64(len("layer")) {
			t.Errorf("%s: length %d", s.what, resp.ContentLength)
		}
	}
	// An API key is not a workload identity, nor the other way.
	_, secret := p.account(t, "b@example.com")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an API key at the agents' door: %s", resp.Status)
	}
	if resp, _ := p.agentRequest(t, "GET", "/v1/account", "shop", "web-a", nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a workload identity at the people's door: %s", resp.Status)
	}
}

// TestLayerWithinQuota has a build send more than its project may take.
func TestLayerWithinQuota(t *testing.T) {
	p, _ := projectOf(t)
	p.server.room.quota = roomStep
	key := strings.Repeat("k", 16)
	path := "/v1/agent/layers/" + key
	resp, text := p.agentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader(noise(1, roomStep+1<<20)))
	if resp.StatusCode != http.StatusInsufficientStorage || decodeProblem(t, text).Code != api.NoRoom {
		t.Errorf("%s %s", resp.Status, text)
	}
	row, err := p.store.ProjectByName(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if used, err := p.blobs.Usage(row.Scope()); err != nil || used > 0 || len(p.server.room.promised) > 0 {
		t.Errorf("%d bytes were kept, %v promised, %v", used, p.server.room.promised, err)
	}
	if resp, text := p.agentRequest(t, "PUT", path, "shop", "build-"+key, strings.NewReader("small")); resp.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", resp.Status, text)
	}
}
