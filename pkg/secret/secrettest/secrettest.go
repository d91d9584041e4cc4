//go:build linux

// Package secrettest starts a real Vault for a test, set up as that of a platform is.
package secrettest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	vault "github.com/hashicorp/vault/api"

	"fngen.dev/fngen/nomad/dev/bootstrap"
	"fngen.dev/fngen/nomad/dev/build"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/secrets"
)

// patience stands for "it never comes up".
const patience = 90 * time.Second

// Vault is a server, and in place of Nomad the key that signs identities.
type Vault struct {
	t    *testing.T
	Addr string
	// TokenFile holds the token of the control plane, as Nomad writes it.
	TokenFile string
	// Root may do everything: it stands for an operator.
	Root *vault.Client
	key  *ecdsa.PrivateKey
	// process can be stopped and let go on.
	process *os.Process
}

// Start starts a Vault, or skips the test where its program is not there.
func Start(t *testing.T) *Vault {
	t.Helper()
	l, err := layout.Find()
	if err != nil {
		t.Fatal(err)
	}
	servers, err := build.Find(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	program := servers.Found("vault")
	if program == "" {
		t.Skip("there is no program of Vault: make up builds it")
	}
	v := &Vault{t: t}
	token := rand.Text()
	v.run(program, token)
	kept, err := secrets.Open(t.TempDir())
	if err == nil {
		err = kept.Put(bootstrap.VaultRoot, token)
	}
	if err != nil {
		t.Fatal(err)
	}
	v.prepare(kept)
	v.TokenFile = filepath.Join(t.TempDir(), "vault_token")
	if err := os.WriteFile(v.TokenFile, []byte(v.Login("fngend", "platform", "fngend")), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// run starts the server at a port that is free; another program may take it first.
func (v *Vault) run(program, token string) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if v.tryRun(program, token, deadline) {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatal("Vault did not come up")
		}
	}
}

func (v *Vault) tryRun(program, token string, deadline time.Time) bool {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		v.t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var said bytes.Buffer
	cmd := exec.Command(program, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id="+token, "-dev-listen-address="+addr)
	cmd.Env = []string{"HOME=" + v.t.TempDir(), "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	var ended atomic.Bool
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); ended.Store(true); close(done) }() // killed in the end
	v.t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	v.Addr, v.process = "http://"+addr, cmd.Process
	if v.Root, err = vault.NewClient(&vault.Config{Address: v.Addr, MaxRetries: 0}); err != nil {
		v.t.Fatal(err)
	}
	v.Root.SetToken(token)
	for !ended.Load() && time.Now().Before(deadline) {
		if _, err := v.Root.Auth().Token().LookupSelf(); err == nil { // so it is this very server
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	v.t.Logf("Vault at %s: %s", addr, &said)
	return false
}

// prepare sets the server up with the code that sets up a platform's.
func (v *Vault) prepare(kept secrets.Store) {
	v.t.Helper()
	var err error
	if v.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		v.t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: v.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		v.t.Fatal(err)
	}
	jwks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	v.t.Cleanup(jwks.Close)
	b, err := bootstrap.NewVault(v.Addr, kept)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{
		b.Mounts, func(ctx context.Context) error { return b.TrustNomad(ctx, jwks.URL) }, v.trustECDSA, b.Fngend, b.Projects,
	} {
		if err := step(v.t.Context()); err != nil {
			v.t.Fatal(err)
		}
	}
}

// trustECDSA takes the signatures of this package, which are smaller than Nomad's.
func (v *Vault) trustECDSA(ctx context.Context) error {
	found, err := v.Root.Logical().ReadWithContext(ctx, "auth/jwt-nomad/config")
	if err != nil {
		return err
	}
	_, err = v.Root.Logical().WriteWithContext(ctx, "auth/jwt-nomad/config", map[string]any{
		"jwks_url": found.Data["jwks_url"], "jwt_supported_algs": []string{"ES256"},
	})
	return err
}

// Identity is what Nomad signs for a task of a job.
func (v *Vault) Identity(namespace, job string) string {
	v.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: v.key, KeyID: "k"}}, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"aud": "vault.io", "sub": "global:" + namespace + ":" + job + ":web:app:vault_default", "exp": time.Now().Add(time.Hour).Unix(),
		"iat": time.Now().Unix(), "nomad_namespace": namespace, "nomad_job_id": job,
	}).Serialize()
	if err != nil {
		v.t.Fatal(err)
	}
	return text
}

// Login is the token that a task of a job gets for its identity.
func (v *Vault) Login(role, namespace, job string) string {
	v.t.Helper()
	got, err := v.Root.Logical().WriteWithContext(v.t.Context(), "auth/jwt-nomad/login", map[string]any{"role": role, "jwt": v.Identity(namespace, job)})
	if err != nil {
		v.t.Fatal(err)
	}
	return got.Auth.ClientToken
}

// As is the API with a token.
func (v *Vault) As(token string) *vault.Client {
	v.t.Helper()
	c, err := v.Root.Clone()
	if err != nil {
		v.t.Fatal(err)
	}
	c.SetToken(strings.TrimSpace(token))
	return c
}

// Seal seals the server: it answers, and nothing can be had from it.
func (v *Vault) Seal() {
	v.t.Helper()
	if err := v.Root.Sys().SealWithContext(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
}
