package blob

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// Verify holds a blob that was kept to its size and digest: what is not as it was is
// ErrLost, and not there any more. A file of its own that was found right is read
// again only when it has changed since, by its size and time.
func (v *View) Verify(digest string, size int64) error {
	has, err := v.Size(digest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || has != size {
		return v.lose(digest)
	}
	proof, alone := v.proofOf(digest)
	if alone && v.owner.proved(v.scope+"/"+digest, proof) {
		return nil
	}
	f, err := v.OpenKept(digest)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, f); err != nil {
		return err
	}
	if alone {
		v.owner.prove(v.scope+"/"+digest, proof)
	}
	return nil
}

// proof is how a file was when it was found right.
type proof struct {
	size    int64
	changed time.Time
}

// maxProofs bounds how many are remembered.
const maxProofs = 4096

func (v *View) proofOf(digest string) (proof, bool) {
	if v.dir == nil {
		return proof{}, false
	}
	info, err := v.dir.Lstat(digest)
	if err != nil {
		return proof{}, false
	}
	return proof{info.Size(), info.ModTime()}, true
}

func (d *Dir) proved(name string, now proof) bool {
	d.proving.Lock()
	defer d.proving.Unlock()
	was, ok := d.proofs[name]
	return ok && was == now
}

func (d *Dir) prove(name string, p proof) {
	d.proving.Lock()
	defer d.proving.Unlock()
	if len(d.proofs) >= maxProofs || d.proofs == nil {
		d.proofs = map[string]proof{}
	}
	d.proofs[name] = p
}
