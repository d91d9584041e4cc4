package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// Sweep removes what was begun and left alone since before a moment: parts, and
// what a crash left half written. busy names those that are in use.
func (d *Dir) Sweep(before time.Time, busy func(scope, id string) bool) error {
	scopes, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("list scopes: %w", err)
	}
	var errs []error
	for _, s := range scopes {
		if validScope(s.Name()) != nil {
			continue
		}
		for _, dir := range []string{s.Name(), s.Name() + "/" + packDir} {
			errs = append(errs, d.sweepTemps(dir, before))
		}
		errs = append(errs, d.sweepParts(s.Name(), before, busy))
	}
	return errors.Join(errs...)
}

func (d *Dir) sweepTemps(dir string, before time.Time) error {
	return d.sweep(dir, func(name string, changed time.Time) bool {
		return strings.HasPrefix(name, tempPrefix) && changed.Before(before)
	})
}

func (d *Dir) sweepParts(scope string, before time.Time, busy func(scope, id string) bool) error {
	return d.sweep(scope+"/"+partDir, func(name string, changed time.Time) bool {
		return changed.Before(before) && !busy(scope, strings.TrimSuffix(name, stateSuffix))
	})
}

// sweep removes the files of a directory that old says are.
func (d *Dir) sweep(dir string, old func(name string, changed time.Time) bool) error {
	return d.sweepSized(dir, func(name string, changed time.Time, _ int64) bool { return old(name, changed) })
}

func (d *Dir) sweepSized(dir string, old func(name string, changed time.Time, size int64) bool) error {
	entries, err := fs.ReadDir(d.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !old(e.Name(), info.ModTime(), info.Size()) {
			continue // gone meanwhile, or young
		}
		if err := d.root.Remove(dir + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove what was left: %w", err))
		}
	}
	return errors.Join(errs...)
}

// SweepUnused removes the blobs of a scope that are older than a moment and that used
// does not know, and returns how many bytes they had. A pack goes when none of its
// blobs is used, and is made anew when most of it is not. Whoever refers to a blob that is there already must not do so
// meanwhile.
func (d *Dir) SweepUnused(scope string, before time.Time, used func(digest string) bool) (bytes int64, err error) {
	v, err := d.View(scope)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	keep := map[string]bool{}
	for _, p := range v.packs {
		keep[p.name] = p.any(used)
	}
	unused := func(name string, changed time.Time, size int64) bool {
		inUse, isPack := keep[name]
		gone := changed.Before(before) && (isPack && !inUse || digestShape.MatchString(name) && !used(name))
		if gone {
			bytes += size
		}
		return gone
	}
	for _, dir := range []string{scope, scope + "/" + packDir} {
		err = errors.Join(err, d.sweepSized(dir, unused))
	}
	if err != nil {
		return bytes, err
	}
	freed, err := d.repack(scope, before, used)
	return bytes + freed, err
}

// any reports whether one of the blobs of a pack is used.
func (p *packIndex) any(used func(digest string) bool) bool {
	for i := range p.len() {
		if used(hex.EncodeToString(p.entry(i)[:sha256.Size])) {
			return true
		}
	}
	return false
}
