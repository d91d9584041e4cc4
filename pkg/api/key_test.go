package api

import (
	"crypto/rand"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func randomKey() string {
	var b [KeyBytes]byte
	_, _ = rand.Read(b[:])
	return FormatKey(b)
}

func TestKeyForm(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		key := randomKey()
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
	key := randomKey()
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

// FuzzParseKey holds that what passes for a key is one that FormatKey writes, and that
// an error never tells what it was.
func FuzzParseKey(f *testing.F) {
	good := FormatKey([KeyBytes]byte{1, 2, 3})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("fngen_" + strings.Repeat("z", 33))
	f.Fuzz(func(t *testing.T, key string) {
		err := ParseKey(key)
		if err == nil && (len(key) != len(good) || checksum(key[:len(key)-crcWidth]) != key[len(key)-crcWidth:]) {
			t.Errorf("%q passes for a key", key)
		}
		if err != nil && len(key) > len(KeyPrefix) && strings.Contains(err.Error(), key) {
			t.Errorf("%v", err)
		}
	})
}
