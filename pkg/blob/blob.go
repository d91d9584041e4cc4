// Package blob owns the control plane's files: contents named by their SHA-256,
// kept apart by scope.
//
// A scope is a project. Nothing is shared between scopes, since the answer to
// "is this content here?" would tell one customer what another has. A blob is
// complete when it, or its pack, has its name: it is written under another,
// checked, synced and renamed. It is held to its digest again whenever it is read:
// what a disk or a hand has damaged is lost, is not there any more, and can be put
// again.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
)

var (
	scopeShape  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	digestShape = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ErrMismatch is content that is not what its name says.
var ErrMismatch = errors.New("content does not match its digest and size")

// tempPrefix cannot begin a digest.
const tempPrefix = "tmp-"

// packDir is where the packs of a scope are. It cannot be a digest.
const packDir = "packs"

// Dir is a directory of blobs: <scope>/<sha256>, and many small ones together in
// <scope>/packs/<name>.pack. It is safe for concurrent use.
type Dir struct {
	root *os.Root
	// mending has one at a time remove what is damaged.
	mending sync.Mutex

	// proofs are how blobs were that were found right, by their paths.
	proving sync.Mutex
	proofs  map[string]proof
}

// Open opens the directory and makes it when it is not there.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make blob directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// PutStream keeps what r gives, of whatever size, and returns its name.
func (d *Dir) PutStream(ctx context.Context, scope string, r io.Reader) (digest string, size int64, err error) {
	dir, err := d.makeScope(scope)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = dir.Close() }()
	t, err := writeTemp(ctx, dir, r)
	if err != nil {
		return "", 0, fmt.Errorf("write blob: %w", err)
	}
	return t.digest(), t.size, t.keep()
}

// DeleteScope removes a scope with all its blobs and says what they were. A
// scope that is not there is empty.
func (d *Dir) DeleteScope(scope string) (count int, bytes int64, err error) {
	if err := validScope(scope); err != nil {
		return 0, 0, err
	}
	entries, err := fs.ReadDir(d.root.FS(), scope)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("list scope %s: %w", scope, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && entry.Type().IsRegular() && entry.Name() != lossyFile && !strings.HasPrefix(entry.Name(), tempPrefix) {
			count++
			bytes += info.Size()
		}
	}
	v, err := d.View(scope)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range v.packs {
		count += p.len()
		for i := range p.len() {
			_, size := p.place(i)
			bytes += size
		}
	}
	if err := errors.Join(v.Close(), d.root.RemoveAll(scope)); err != nil {
		return 0, 0, fmt.Errorf("delete scope %s: %w", scope, err)
	}
	return count, bytes, nil
}

func (d *Dir) makeScope(scope string) (*os.Root, error) {
	if err := validScope(scope); err != nil {
		return nil, err
	}
	if err := d.root.Mkdir(scope, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make scope %s: %w", scope, err)
	}
	dir, err := d.root.OpenRoot(scope)
	if err != nil {
		return nil, fmt.Errorf("open scope %s: %w", scope, err)
	}
	return dir, nil
}

func valid(digest string) error {
	if !digestShape.MatchString(digest) {
		return fmt.Errorf("digest %q is not 64 lower-case hex digits", digest)
	}
	return nil
}

func validScope(scope string) error {
	if !scopeShape.MatchString(scope) {
		return fmt.Errorf("scope %q is not a name", scope)
	}
	return nil
}
