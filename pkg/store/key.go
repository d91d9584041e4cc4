package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
)

// An API key is "fngen_", 160 random bits in base62 (27 characters, zeros in
// front), and the CRC-32 of both in base62 (6 characters). The prefix lets
// secret scanners find a leaked key, and the checksum lets a client tell a
// mistyped key without asking anyone.
const (
	keyPrefix   = "fngen_"
	keyBytes    = 20
	randomWidth = 27
	crcWidth    = 6
	hintWidth   = 4
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var (
	keyShape = regexp.MustCompile(`^fngen_[0-9A-Za-z]{33}$`)

	errKeyShape    = errors.New("API key is not of the form fngen_ and 33 letters or digits")
	errKeyChecksum = errors.New("API key has a typing error: its checksum does not fit")
)

// newKey makes a key of fresh random bits.
func newKey() Secret {
	var b [keyBytes]byte
	// crypto/rand.Read never fails: it ends the program instead.
	_, _ = rand.Read(b[:])
	body := keyPrefix + encode62(new(big.Int).SetBytes(b[:]), randomWidth)
	return Secret{body + checksum(body)}
}

// ParseKey reports whether s has the form and the checksum of an API key. Its
// error never holds the key.
func ParseKey(s string) error {
	if !keyShape.MatchString(s) {
		return errKeyShape
	}
	if body := s[:len(s)-crcWidth]; checksum(body) != s[len(body):] {
		return errKeyChecksum
	}
	return nil
}

func checksum(body string) string {
	return encode62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), crcWidth)
}

// hashKey is what is stored. The key has too many random bits to be guessed, so
// a slow hash would protect nothing.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func hint(key Secret) string {
	return fmt.Sprintf("%s%s...", keyPrefix, key.value[len(keyPrefix):len(keyPrefix)+hintWidth])
}

func encode62(n *big.Int, width int) string {
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	out := []byte(strings.Repeat(base62[:1], width))
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}
