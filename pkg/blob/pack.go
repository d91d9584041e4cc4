package blob

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

// A pack is many small blobs in one file, because making a file costs more than
// filling it. Its form is
//
//	the contents, one after the other
//	an entry for each blob, by digest: SHA-256 (32 bytes), offset (8), size (4)
//	the number of entries (4), the SHA-256 of all entries (32), packMagic (8)
//
// with numbers big-endian. A pack is complete when it has its name.
const (
	packSuffix = ".pack"
	// damagedSuffix is behind the name of a pack that cannot be read.
	damagedSuffix = ".damaged"
	packMagic     = "fngenpk1"
	entryWidth    = sha256.Size + 8 + 4
	tailWidth     = 4 + sha256.Size + len(packMagic)
	// maxEntries is far more than one upload has.
	maxEntries = 1 << 20
)

// packIndex is where the blobs of one pack are.
type packIndex struct {
	name    string
	entries []byte // of entryWidth each, sorted
}

func (p *packIndex) len() int { return len(p.entries) / entryWidth }

func (p *packIndex) entry(i int) []byte { return p.entries[i*entryWidth : (i+1)*entryWidth] }

// find looks a blob up by the bytes of its digest.
func (p *packIndex) find(digest []byte) (offset, size int64, ok bool) {
	i := sort.Search(p.len(), func(i int) bool { return bytes.Compare(p.entry(i)[:sha256.Size], digest) >= 0 })
	if i == p.len() || !bytes.Equal(p.entry(i)[:sha256.Size], digest) {
		return 0, 0, false
	}
	offset, size = p.place(i)
	return offset, size, true
}

func (p *packIndex) place(i int) (offset, size int64) {
	e := p.entry(i)[sha256.Size:]
	return int64(binary.BigEndian.Uint64(e)), int64(binary.BigEndian.Uint32(e[8:]))
}

// errDamaged is a pack whose index is not what it was.
var errDamaged = errors.New("its index is damaged")

// readPack reads the index of a pack.
func readPack(dir *os.Root, name string) (*packIndex, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < int64(tailWidth) {
		return nil, fmt.Errorf("read pack %s: %w", name, errDamaged)
	}
	tail := make([]byte, tailWidth)
	if _, err := f.ReadAt(tail, info.Size()-int64(tailWidth)); err != nil {
		return nil, fmt.Errorf("read pack %s: %w", name, err)
	}
	count := binary.BigEndian.Uint32(tail)
	if string(tail[4+sha256.Size:]) != packMagic || count > maxEntries || int64(count)*entryWidth > info.Size()-int64(tailWidth) {
		return nil, fmt.Errorf("read pack %s: %w", name, errDamaged)
	}
	p := &packIndex{name: name, entries: make([]byte, int(count)*entryWidth)}
	if _, err := f.ReadAt(p.entries, info.Size()-int64(tailWidth)-int64(len(p.entries))); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read pack %s: %w", name, err)
	}
	if sum := sha256.Sum256(p.entries); !bytes.Equal(sum[:], tail[4:4+sha256.Size]) {
		return nil, fmt.Errorf("read pack %s: %w", name, errDamaged)
	}
	return p, nil
}

// packWriter is a pack that has not got its name yet.
type packWriter struct {
	dir     *os.Root
	file    *os.File
	temp    string
	size    int64
	entries [][]byte
}

func newPackWriter(dir *os.Root) (*packWriter, error) {
	p := &packWriter{dir: dir, temp: tempPrefix + rand.Text()}
	var err error
	p.file, err = dir.OpenFile(p.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return p, err
}

func (p *packWriter) add(digest []byte, offset int64, size int) {
	e := binary.BigEndian.AppendUint64(slices.Clone(digest), uint64(offset))
	p.entries = append(p.entries, binary.BigEndian.AppendUint32(e, uint32(size)))
}

// keep makes the pack durable and gives it its name; one without blobs goes.
func (p *packWriter) keep() error {
	if len(p.entries) == 0 {
		return p.discard()
	}
	slices.SortFunc(p.entries, bytes.Compare)
	p.entries = slices.CompactFunc(p.entries, func(a, b []byte) bool { return bytes.Equal(a[:sha256.Size], b[:sha256.Size]) })
	index := slices.Concat(p.entries...)
	sum := sha256.Sum256(index)
	tail := binary.BigEndian.AppendUint32(nil, uint32(len(p.entries)))
	tail = append(append(tail, sum[:]...), packMagic...)
	if _, err := p.file.WriteAt(append(index, tail...), p.size); err != nil {
		return errors.Join(fmt.Errorf("write pack: %w", err), p.discard())
	}
	if err := p.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync pack: %w", err), p.discard())
	}
	if err := p.file.Close(); err != nil {
		return errors.Join(fmt.Errorf("close pack: %w", err), p.dir.Remove(p.temp))
	}
	// Named by its blobs: two packs of the same blobs are one.
	if err := p.dir.Rename(p.temp, hex.EncodeToString(sum[:16])+packSuffix); err != nil {
		return errors.Join(fmt.Errorf("name pack: %w", err), p.dir.Remove(p.temp))
	}
	return nil
}

func (p *packWriter) discard() error { return errors.Join(p.file.Close(), p.dir.Remove(p.temp)) }
