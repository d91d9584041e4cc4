// Package secrets keeps the tokens and keys of the one-machine cluster: one
// file each, readable by the owner only.
package secrets

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Store is a directory of secrets.
type Store struct{ dir string }

// Open returns the store in dir, which it creates.
func Open(dir string) (Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Store{}, fmt.Errorf("create secrets: %w", err)
	}
	return Store{dir: dir}, os.Chmod(dir, 0o700)
}

// Get returns a secret, or "" when there is none.
func (s Store) Get(name string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// Put stores a secret. It is on the disk when Put returns, since some of them
// (the key that unseals Vault) are given out once.
func (s Store) Put(name, value string) error {
	tmp, err := os.CreateTemp(s.dir, "."+name+"-") // mode 0600
	if err != nil {
		return fmt.Errorf("write secret %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(value + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write secret %s: %w", name, err)
	}
	return os.Rename(tmp.Name(), filepath.Join(s.dir, name))
}

// UUID returns the secret of that name, made at the first call, in the form
// that Consul and Nomad want for a token.
func (s Store) UUID(name string) (string, error) {
	return s.ensure(name, func() string {
		var b [16]byte
		rand.Read(b[:]) // never fails (crypto/rand)
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	})
}

// Password returns the secret of that name, made at the first call.
func (s Store) Password(name string) (string, error) { return s.ensure(name, rand.Text) }

// GossipKey returns the secret of that name, made at the first call, as Consul and Nomad
// want the key that members of a cluster share: 32 bytes in base64.
func (s Store) GossipKey(name string) (string, error) {
	return s.ensure(name, func() string {
		var b [32]byte
		rand.Read(b[:]) // never fails (crypto/rand)
		return base64.StdEncoding.EncodeToString(b[:])
	})
}

func (s Store) ensure(name string, generate func() string) (string, error) {
	value, err := s.Get(name)
	if err != nil || value != "" {
		return value, err
	}
	value = generate()
	return value, s.Put(name, value)
}
