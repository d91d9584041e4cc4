package api

import (
	"errors"
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
	KeyPrefix = "fngen_"
	// KeyBytes is how many random bytes a key holds.
	KeyBytes    = 20
	randomWidth = 27
	crcWidth    = 6
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var (
	keyShape = regexp.MustCompile(`^fngen_[0-9A-Za-z]{33}$`)

	errKeyShape    = errors.New("API key is not of the form fngen_ and 33 letters or digits")
	errKeyChecksum = errors.New("API key has a typing error: its checksum does not fit")
)

// FormatKey writes random bytes as a key.
func FormatKey(random [KeyBytes]byte) string {
	body := KeyPrefix + encode62(new(big.Int).SetBytes(random[:]), randomWidth)
	return body + checksum(body)
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

func encode62(n *big.Int, width int) string {
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	out := []byte(strings.Repeat(base62[:1], width))
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}
