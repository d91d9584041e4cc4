// Package index remembers the digests of a tree's files between scans, as git's
// index does, so that a scan of an unchanged tree reads no file.
//
// A digest counts only as long as everything that the disk says about the file is
// as it was when the file was read. The index is a cache and nothing more: one
// that is missing, damaged, of another tree or of another version is no fault, and
// is written anew. One that cannot be written costs time and nothing else.
package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math"
)

// Stat is what tells one state of a file from another.
type Stat struct {
	Size int64
	// Mtime and Ctime are in nanoseconds. The ctime, which nobody can set, is what
	// betrays a change whose mtime was set back; 0 means that the system has none.
	Mtime, Ctime int64
	Inode        uint64
	// Mode is an fs.FileMode.
	Mode uint32
}

// Digest is a SHA-256.
type Digest = [sha256.Size]byte

// The file is: magic, version, digest of the root's path, when it was begun,
// number of entries; the entries; a CRC-32C of all that. The entries are sorted by
// path, and each path is written as what differs from the one before.
const (
	magic      = "fngen index"
	version    = 1
	headerSize = len(magic) + 1 + sha256.Size + 8 + 4
	statSize   = 16 // of the two times
)

// slack is how much earlier than the index a file must have been changed for its
// times to be believed. A change within one tick of a disk's clock does not move
// the times; FAT ticks every two seconds, and the index may be on another disk
// than the tree.
const slack = int64(2e9)

var table = crc32.MakeTable(crc32.Castagnoli)

// header starts an index that was begun at a time, in nanoseconds.
func header(root string, begun int64) []byte {
	of := sha256.Sum256([]byte(root))
	out := append([]byte(magic), version)
	out = append(out, of[:]...)
	out = binary.LittleEndian.AppendUint64(out, uint64(begun))
	return append(out, 0, 0, 0, 0) // the number of entries comes last
}

// Index gives the digests of the last scan.
type Index struct {
	rest  []byte // the entries that are not read yet
	left  uint32
	begun int64
	// The entry that was read last.
	path   []byte
	stat   Stat
	digest Digest
}

// decode reads an index of root. Whatever is wrong with it, it is empty.
func decode(data []byte, root string) *Index {
	if len(data) < headerSize+crc32.Size {
		return &Index{}
	}
	body, sum := data[:len(data)-crc32.Size], data[len(data)-crc32.Size:]
	begun := int64(binary.LittleEndian.Uint64(body[headerSize-12:]))
	if !bytes.Equal(body[:headerSize-12], header(root, 0)[:headerSize-12]) || crc32.Checksum(body, table) != binary.LittleEndian.Uint32(sum) {
		return &Index{}
	}
	return &Index{rest: body[headerSize:], left: binary.LittleEndian.Uint32(body[headerSize-4:]), begun: begun}
}

// Find returns the digest of the file at path if it is still as it was. Paths
// have to be asked for in ascending order.
func (x *Index) Find(path string, st Stat) (Digest, bool) {
	for string(x.path) < path {
		if !x.next() {
			return Digest{}, false
		}
	}
	if string(x.path) != path || st != x.stat || !x.settled(st) {
		return Digest{}, false
	}
	return x.digest, true
}

// settled reports whether a file could not have changed again after it was read
// and still show the same times.
func (x *Index) settled(st Stat) bool {
	return st.Ctime != 0 && max(st.Mtime, st.Ctime) < x.begun-slack
}

// next reads one entry; it reports false at the end.
func (x *Index) next() bool {
	if x.left == 0 {
		return x.end()
	}
	x.left--
	r := reader{x.rest, true}
	shared, more := r.uvarint(), r.uvarint()
	rest := r.bytes(more)
	if shared > uint64(len(x.path)) || bytes.Compare(rest, x.path[shared:]) <= 0 {
		return x.end() // not in order
	}
	x.path = append(x.path[:shared], rest...)
	x.stat.Size = int64(r.uvarint())
	if times := r.bytes(statSize); r.ok {
		x.stat.Mtime = int64(binary.LittleEndian.Uint64(times))
		x.stat.Ctime = int64(binary.LittleEndian.Uint64(times[8:]))
	}
	x.stat.Inode = r.uvarint()
	mode := r.uvarint()
	x.stat.Mode = uint32(mode)
	copy(x.digest[:], r.bytes(sha256.Size))
	if !r.ok || mode > math.MaxUint32 {
		return x.end()
	}
	x.rest = r.data
	return true
}

// end leaves nothing to be found any more.
func (x *Index) end() bool {
	*x = Index{}
	return false
}

// reader takes pieces off data until one is missing.
type reader struct {
	data []byte
	ok   bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.data, r.ok = nil, false
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if uint64(len(r.data)) < n {
		r.data, r.ok = nil, false
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}
