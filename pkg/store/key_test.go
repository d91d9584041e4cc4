package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
)

func TestKeyForm(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		key := newKey().Reveal()
		if len(key) != len("fngen_")+27+6 || seen[key] {
			t.Fatalf("key %q", key)
		}
		seen[key] = true
		if err := ParseKey(key); err != nil {
			t.Fatalf("ParseKey(%q): %v", key, err)
		}
	}
	// 160 bits of ones are the largest value, and fit in the width.
	largest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 160), big.NewInt(1))
	if got, want := encode62(largest, randomWidth), "aWgEPTl1tmebfsQzFP4bxwgy80V"; got != want {
		t.Errorf("largest is %q, want %q", got, want)
	}
	// A key that was given out once must be readable for ever.
	if err := ParseKey("fngen_000000000000000000000000000" + checksum("fngen_"+strings.Repeat("0", 27))); err != nil {
		t.Error(err)
	}
}

// TestKeyTypo changes each character of a key, and swaps each two neighbours.
func TestKeyTypo(t *testing.T) {
	key := newKey().Reveal()
	refuse := func(typo []byte) {
		t.Helper()
		err := ParseKey(string(typo))
		if err == nil {
			t.Errorf("%q was taken for %q", typo, key)
			return
		}
		if len(typo) > 0 && strings.Contains(err.Error(), string(typo)) {
			t.Errorf("error tells the key: %v", err)
		}
	}
	for i := range key {
		typo := []byte(key)
		typo[i] = 'a'
		if key[i] == 'a' {
			typo[i] = 'b'
		}
		refuse(typo)
		if i > 0 && key[i] != key[i-1] {
			typo = []byte(key)
			typo[i], typo[i-1] = typo[i-1], typo[i]
			refuse(typo)
		}
	}
	for _, s := range []string{"", " " + key, key + "\n", key[1:], strings.ToUpper(key)} {
		refuse([]byte(s))
	}
	if err := ParseKey(key[:len(key)-1]); !errors.Is(err, errKeyShape) {
		t.Errorf("short key: %v", err)
	}
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
