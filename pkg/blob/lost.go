package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// ErrLost is a content that was kept, and is not there any more as it was.
var ErrLost = errors.New("the content is lost")

// lossyFile is in a scope of which something was lost: that it was kept whole says
// no more that it is there. It cannot be a digest.
const lossyFile = "lossy"

// Lossy reports whether something of a scope was lost at any time.
func (d *Dir) Lossy(scope string) bool {
	_, err := d.root.Lstat(scope + "/" + lossyFile)
	return err == nil
}

// Drop removes a content that is not what its digest says, so that it is missing
// from then on and can be put again; what is as it should be stays. The scope is
// lossy afterwards.
func (d *Dir) Drop(scope, digest string) error {
	key, err := decodeDigest(digest)
	if err != nil {
		return err
	}
	d.mending.Lock()
	defer d.mending.Unlock()
	dir, err := d.makeScope(scope)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := markLossy(dir); err != nil {
		return err
	}
	if err := dropOne(dir, digest); err != nil {
		return fmt.Errorf("drop blob %s: %w", digest, err)
	}
	v, err := d.View(scope)
	if err != nil {
		return err
	}
	defer v.Close()
	for _, p := range v.packs {
		if _, _, has := p.find(key); !has {
			continue
		}
		if err := salvage(dir, p); err != nil {
			return fmt.Errorf("drop blob %s: %w", digest, err)
		}
	}
	return nil
}

func markLossy(dir *os.Root) error {
	f, err := dir.OpenFile(lossyFile, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("note a lost blob: %w", err)
	}
	return syncDir(dir)
}

// dropOne removes a blob with a file of its own, unless it is right.
func dropOne(dir *os.Root, digest string) error {
	f, err := dir.Open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err = errors.Join(err, f.Close()); err == nil && hex.EncodeToString(sum.Sum(nil)) == digest {
		return nil
	}
	return dir.Remove(digest)
}

// salvage puts another pack in the place of one, with those of its blobs that are
// right. One that has only such stays.
func salvage(dir *os.Root, p *packIndex) error {
	packs, err := dir.OpenRoot(packDir)
	if err != nil {
		return err
	}
	defer packs.Close()
	from, err := packs.Open(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := newPackWriter(packs)
	if err != nil {
		return err
	}
	if _, err := copyGood(to, from, p, func([]byte) bool { return true }); err != nil {
		return errors.Join(err, to.discard())
	}
	if len(to.entries) == p.len() {
		return to.discard()
	}
	// Only now are they nowhere missing.
	if err := to.keep(); err != nil {
		return err
	}
	return errors.Join(packs.Remove(p.name), syncDir(packs))
}

// copyGood copies the blobs that are wanted and are what their digests say, and returns
// how many were wanted that are not.
func copyGood(to *packWriter, from *os.File, p *packIndex, wanted func(digest []byte) bool) (bad int, err error) {
	for i := range p.len() {
		if !wanted(p.entry(i)[:sha256.Size]) {
			continue
		}
		offset, size := p.place(i)
		content := make([]byte, min(size, slabBytes))
		n, err := from.ReadAt(content, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return bad, err
		}
		sum := sha256.Sum256(content[:n])
		if !bytes.Equal(sum[:], p.entry(i)[:sha256.Size]) {
			bad++
			continue
		}
		if _, err := to.file.WriteAt(content, to.size); err != nil {
			return bad, err
		}
		to.add(sum[:], to.size, n)
		to.size += int64(n)
	}
	return bad, nil
}

// setAside takes a pack whose index is damaged out of the way: nobody knows what is
// in it. Its file stays for whoever looks why.
func (v *View) setAside(packs *os.Root, name string) error {
	if err := markLossy(v.dir); err != nil {
		return err
	}
	err := packs.Rename(name, name+damagedSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another one did so
	}
	return err
}

// OpenKept opens a content that was kept: one that is not there is ErrLost.
func (v *View) OpenKept(digest string) (fs.File, error) {
	f, err := v.Open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, v.lose(digest)
	}
	return f, err
}

// lose notes that a content is lost.
func (v *View) lose(digest string) error {
	return errors.Join(fmt.Errorf("read blob %s: %w", digest, ErrLost), v.owner.Drop(v.scope, digest))
}

// checked is a blob that is held to its digest when it has been read to its end.
type checked struct {
	fs.File
	view   *View
	digest string
	sum    hash.Hash
}

func (v *View) checked(f fs.File, digest string) *checked {
	return &checked{File: f, view: v, digest: digest, sum: sha256.New()}
}

// Read implements io.Reader. What is not what the digest says ends with ErrLost,
// and not with io.EOF.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(c.sum.Sum(nil)) != c.digest {
		err = c.view.lose(c.digest)
	}
	return n, err
}
