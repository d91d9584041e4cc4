package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"fngen.dev/fngen/pkg/api"
)

// hintWidth is how many of a key's 27 random characters are shown.
const hintWidth = 4

// newKey makes a key of fresh random bits.
func newKey() Secret {
	var b [api.KeyBytes]byte
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(b[:])
	return Secret{api.FormatKey(b)}
}

// hashKey is what is stored. The key has too many random bits to be guessed, so
// a slow hash would protect nothing.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func hint(key Secret) string {
	return fmt.Sprintf("%s%s...", api.KeyPrefix, key.value[len(api.KeyPrefix):len(api.KeyPrefix)+hintWidth])
}
