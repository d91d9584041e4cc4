package workload

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"fngen.dev/fngen/pkg/server/workload/workloadtest"
)

func TestVerifyRefuses(t *testing.T) {
	n := workloadtest.New(t)
	v := NewVerifier(n.URL+"/", n.Client)
	if w, err := v.Verify(t.Context(), n.Sign(t, workloadtest.JobClaims("shop", "web-a"))); err != nil || w.Namespace != "shop" || w.JobID != "web-a" || w.Allocation != workloadtest.AllocationOf("shop", "web-a") || time.Since(w.Issued) > time.Minute {
		t.Fatalf("a good token: %+v, %v", w, err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := n.Sign(t, workloadtest.JobClaims("shop", "web-a"))
	parts := strings.Split(good, ".")
	other := strings.Split(n.Sign(t, workloadtest.JobClaims("bank", "web-a")), ".")
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	noEnd := workloadtest.JobClaims("shop", "web-a")
	delete(noEnd, "exp")
	for name, token := range map[string]string{
		"empty":              "",
		"not a token":        "a.b.c",
		"another's payload":  parts[0] + "." + other[1] + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"alg none":           "eyJhbGciOiJub25lIiwia2lkIjoia2V5LTEifQ." + parts[1] + ".",
		"another key":        workloadtest.SignWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: stranger}, "key-1", workloadtest.JobClaims("shop", "web-a")),
		"public key as HMAC": workloadtest.SignWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: n.Key.N.Bytes()}, "key-1", workloadtest.JobClaims("shop", "web-a")),
		"unknown key id":     workloadtest.SignWith(t, jose.SigningKey{Algorithm: jose.RS256, Key: n.Key}, "key-9", workloadtest.JobClaims("shop", "web-a")),
		"for Vault":          n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("aud", "vault.io")),
		"for nobody":         n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("aud", nil)),
		"ended":              n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("exp", past)),
		"not begun":          n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("nbf", future)),
		"endless":            n.Sign(t, noEnd),
		"no namespace":       n.Sign(t, workloadtest.JobClaims("", "web-a")),
		"no job":             n.Sign(t, workloadtest.JobClaims("shop", "")),
		"no allocation":      n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("nomad_allocation_id", "")),
		"no time":            n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("iat", nil)),
	} {
		if w, err := v.Verify(t.Context(), token); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
	if got := n.Sign(t, workloadtest.JobClaims("shop", "web-a").With("aud", []string{"x", "fngen"})); got != "" {
		if _, err := v.Verify(t.Context(), got); err != nil {
			t.Errorf("one of two audiences: %v", err)
		}
	}
}

func TestKeysAreCachedAndRotate(t *testing.T) {
	n := workloadtest.New(t)
	v := NewVerifier(n.URL, n.Client)
	now := time.Now()
	v.now = func() time.Time { return now }
	verify := func() error {
		_, err := v.Verify(t.Context(), n.Sign(t, workloadtest.JobClaims("shop", "web-a")))
		return err
	}
	for range 3 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.Asked.Load(); got != 1 {
		t.Errorf("asked %d times for one key", got)
	}
	n.Rotate("key-2")
	if err := verify(); !errors.Is(err, ErrInvalid) {
		t.Errorf("a new key is asked for too soon: %v", err)
	}
	now = now.Add(keysPause + time.Second)
	if err := verify(); err != nil {
		t.Errorf("a new key: %v", err)
	}
	// When Nomad does not answer, the keys that are known stay good.
	n.Broken.Store(true)
	now = now.Add(keysAge + time.Second)
	if err := verify(); err != nil {
		t.Errorf("while Nomad is away: %v", err)
	}
	n.Rotate("key-3")
	now = now.Add(keysPause + time.Second)
	if err := verify(); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("Nomad's fault was taken for the agent's: %v", err)
	}
	n.Broken.Store(false)
	if err := verify(); err != nil {
		t.Errorf("after Nomad came back: %v", err)
	}
}
