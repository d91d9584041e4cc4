package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// View is what one scope holds at the moment when it was opened. It is safe for
// concurrent use until Close.
type View struct {
	owner *Dir
	scope string
	dir   *os.Root // nil for a scope that is not there
	packs []*packIndex

	mu   sync.Mutex
	open map[string]*os.File
	// later are views of what became of packs meanwhile.
	later []*View
}

// View opens a scope; one that is not there is empty.
func (d *Dir) View(scope string) (*View, error) {
	if err := validScope(scope); err != nil {
		return nil, err
	}
	dir, err := d.root.OpenRoot(scope)
	if errors.Is(err, fs.ErrNotExist) {
		return &View{owner: d, scope: scope}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open scope %s: %w", scope, err)
	}
	v := &View{owner: d, scope: scope, dir: dir, open: map[string]*os.File{}}
	if err := v.readPacks(); err != nil {
		return nil, errors.Join(fmt.Errorf("open scope %s: %w", scope, err), dir.Close())
	}
	return v, nil
}

func (v *View) readPacks() error {
	packs, err := v.dir.OpenRoot(packDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer packs.Close()
	// One that is gone since it was listed is another by now.
	for range relists {
		if err = v.listPacks(packs); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

// relists is far more often than packs change while they are listed.
const relists = 10

func (v *View) listPacks(packs *os.Root) error {
	v.packs = nil
	entries, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), packSuffix) {
			continue // what a crash left
		}
		p, err := readPack(packs, e.Name())
		if errors.Is(err, errDamaged) {
			err = v.setAside(packs, e.Name())
		} else if err == nil {
			v.packs = append(v.packs, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close ends the view. Files opened through it are of no use any more.
func (v *View) Close() error {
	if v.dir == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var errs []error
	for _, f := range v.open {
		errs = append(errs, f.Close())
	}
	clear(v.open)
	for _, l := range v.later {
		errs = append(errs, l.Close())
	}
	v.later = nil
	return errors.Join(append(errs, v.dir.Close())...)
}

// Open opens a blob for reading; one that is not there is fs.ErrNotExist. Reading
// ends with ErrLost when it is not what its digest says.
func (v *View) Open(digest string) (fs.File, error) {
	key, err := decodeDigest(digest)
	if err != nil {
		return nil, err
	}
	for _, p := range v.packs {
		if offset, size, ok := p.find(key); ok {
			return v.openPacked(p, digest, offset, size)
		}
	}
	if v.dir == nil {
		return nil, fmt.Errorf("open blob %s: %w", digest, fs.ErrNotExist)
	}
	f, err := v.dir.Open(digest)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", digest, err)
	}
	return v.checked(f, digest), nil
}

func (v *View) openPacked(p *packIndex, digest string, offset, size int64) (fs.File, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.open[p.name]
	if f == nil {
		var err error
		f, err = v.dir.Open(packDir + "/" + p.name)
		if errors.Is(err, fs.ErrNotExist) {
			return v.openAnew(digest)
		}
		if err != nil {
			return nil, fmt.Errorf("open pack of blob %s: %w", digest, err)
		}
		v.open[p.name] = f
	}
	return v.checked(&packed{SectionReader: io.NewSectionReader(f, offset, size), name: digest}, digest), nil
}

// openAnew opens a blob whose pack is gone: another may have taken its place.
func (v *View) openAnew(digest string) (fs.File, error) {
	now, err := v.owner.View(v.scope)
	if err != nil {
		return nil, err
	}
	v.later = append(v.later, now)
	return now.Open(digest)
}

// IndexWidth is what a blob in a pack takes of an index.
const IndexWidth = entryWidth

// IndexBytes is the memory that the index of the packs takes.
func (v *View) IndexBytes() (total int64) {
	for _, p := range v.packs {
		total += int64(len(p.entries))
	}
	return total
}

// Size is how many bytes a blob has; one that is not there is fs.ErrNotExist.
func (v *View) Size(digest string) (int64, error) {
	key, err := decodeDigest(digest)
	if err != nil {
		return 0, err
	}
	for _, p := range v.packs {
		if _, size, ok := p.find(key); ok {
			return size, nil
		}
	}
	if v.dir == nil {
		return 0, fmt.Errorf("look for blob %s: %w", digest, fs.ErrNotExist)
	}
	info, err := v.dir.Lstat(digest)
	if err != nil {
		return 0, fmt.Errorf("look for blob %s: %w", digest, err)
	}
	return info.Size(), nil
}

// Has reports whether a blob is there.
func (v *View) Has(digest string) (bool, error) {
	_, err := v.Size(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func decodeDigest(digest string) ([]byte, error) {
	if err := valid(digest); err != nil {
		return nil, err
	}
	return hex.DecodeString(digest)
}

// packed is a blob inside a pack. It is its own description.
type packed struct {
	*io.SectionReader
	name string
}

func (p *packed) Close() error               { return nil }
func (p *packed) Stat() (fs.FileInfo, error) { return p, nil }
func (p *packed) Name() string               { return p.name }
func (p *packed) Mode() fs.FileMode          { return 0o600 }
func (p *packed) ModTime() time.Time         { return time.Time{} }
func (p *packed) IsDir() bool                { return false }
func (p *packed) Sys() any                   { return nil }
