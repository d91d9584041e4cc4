package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// repack makes packs anew, several of them as one, of which half or more is not used,
// when they are older than a moment. It returns how many bytes that has freed. Who
// reads an old one goes on, or finds the new one.
func (d *Dir) repack(scope string, before time.Time, used func(digest string) bool) (freed int64, err error) {
	d.mending.Lock()
	defer d.mending.Unlock()
	v, err := d.View(scope)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	if len(v.packs) == 0 {
		return 0, nil
	}
	packs, err := v.dir.OpenRoot(packDir)
	if err != nil {
		return 0, fmt.Errorf("open packs of scope %s: %w", scope, err)
	}
	defer packs.Close()
	wanted := func(digest []byte) bool { return used(hex.EncodeToString(digest)) }
	var group []*packIndex
	size := int64(0)
	for _, p := range v.packs {
		kept, all := p.weigh(wanted)
		if info, err := packs.Stat(p.name); err != nil || !info.ModTime().Before(before) || 2*kept > all {
			continue // gone meanwhile, young, or well filled
		}
		if size += kept; size > packBytes {
			n, err := merge(packs, group, wanted)
			if freed += n; err != nil {
				return freed, err
			}
			group, size = nil, kept
		}
		group = append(group, p)
	}
	n, err := merge(packs, group, wanted)
	return freed + n, err
}

// weigh is how many bytes of a pack are wanted, and how many there are.
func (p *packIndex) weigh(wanted func(digest []byte) bool) (kept, all int64) {
	for i := range p.len() {
		_, size := p.place(i)
		if all += size; wanted(p.entry(i)[:sha256.Size]) {
			kept += size
		}
	}
	return kept, all
}

// merge puts one pack in the place of several, with those of their blobs that are
// wanted, and returns how much smaller it is. When one of them is damaged all stay:
// whoever reads it finds that out, and only then is it known to be lost.
func merge(packs *os.Root, group []*packIndex, wanted func(digest []byte) bool) (freed int64, err error) {
	if len(group) == 0 {
		return 0, nil
	}
	to, err := newPackWriter(packs)
	if err != nil {
		return 0, fmt.Errorf("make packs anew: %w", err)
	}
	for _, p := range group {
		size, bad, err := copyWanted(to, packs, p, wanted)
		if err != nil || bad > 0 {
			return 0, errors.Join(err, to.discard())
		}
		freed += size
	}
	freed -= to.size
	if err := to.keep(); err != nil {
		return 0, err
	}
	// Only now is nothing missing anywhere, also after a crash.
	if err := syncDir(packs); err != nil {
		return 0, err
	}
	for _, p := range group {
		if err := packs.Remove(p.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("remove pack %s: %w", p.name, err)
		}
	}
	return freed, syncDir(packs)
}

func copyWanted(to *packWriter, packs *os.Root, p *packIndex, wanted func(digest []byte) bool) (size int64, bad int, err error) {
	from, err := packs.Open(p.name)
	if err != nil {
		return 0, 0, fmt.Errorf("open pack %s: %w", p.name, err)
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("measure pack %s: %w", p.name, err)
	}
	bad, err = copyGood(to, from, p, wanted)
	return info.Size(), bad, err
}
