package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"fngen.dev/fngen/compiler/source/disk"
	"fngen.dev/fngen/compiler/source/index"
)

// ErrChanged is a file that is not as it was, or does not stay as it is, while it
// is read.
var ErrChanged = errors.New("changed while it was read")

// later is what a scan needs to take in files that it has left unread.
type later struct {
	walker  *walker
	files   []*item
	all     []hashed
	indexes string
	begun   int64
	// at are the places in all of the files of the manifest that are unread.
	at map[int]int
}

func laterOf(c *collector, indexes string) later {
	l := later{walker: c.w, files: c.files, all: c.all, indexes: indexes, begun: c.begun, at: map[int]int{}}
	for i, n := range c.unread {
		l.at[n] = c.later[i]
	}
	return l
}

// Unread reports whether Options.Later has left file n of the manifest without a
// digest. As long as there is one, the tree has no digest either.
func (s *Scanned) Unread(n int) bool { _, ok := s.later.at[n]; return ok }

// Whole reports whether every file has its digest.
func (s *Scanned) Whole() bool { return len(s.later.at) == 0 }

// Identity tells the state in which the scan found an unread file from its other
// states and from all other files, as far as that can be told without reading
// it: 64 hex digits.
func (s *Scanned) Identity(n int) string {
	st, path := s.later.files[s.later.at[n]].stat, s.Root+"/"+s.Files[n].Path
	sum := sha256.Sum256(fmt.Appendf(nil, "unread\x00%s\x00%d %d %d %d", path, st.Size, st.Mtime, st.Ctime, st.Inode))
	return hex.EncodeToString(sum[:])
}

// Reading is one pass over a file, which gives its bytes and makes its digest of
// them.
type Reading struct {
	scanned *Scanned
	n       int
	file    disk.File
	before  index.Stat
	left    int64
	sum     hash.Hash
	closed  bool
}

// Read begins to read file n of the manifest. It must be closed.
func (s *Scanned) Read(n int) (*Reading, error) {
	at, ok := s.later.at[n]
	if !ok {
		return nil, fmt.Errorf("read %s: it has its digest", s.Files[n].Path)
	}
	it := s.later.files[at]
	f, err := disk.OpenFile(s.later.walker.disk(it.path), it.link)
	if err != nil {
		return nil, err
	}
	r := &Reading{scanned: s, n: n, file: f, left: s.Files[n].Size, sum: sha256.New()}
	// The state before the first byte, as for every digest.
	if r.before, err = f.Stat(); err == nil && (!disk.KindOf(r.before).IsRegular() || r.before.Size != r.left) {
		err = ErrChanged
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// Read gives exactly as many bytes as the manifest says, or ErrChanged.
func (r *Reading) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.left == 0 {
		return 0, r.end()
	}
	n, err := r.file.Next(p[:min(int64(len(p)), r.left)])
	if err == nil && n == 0 {
		err = ErrChanged
	}
	r.left -= int64(n)
	r.sum.Write(p[:n])
	return n, err
}

// end wants nothing after the end, and the file as it was at the beginning.
func (r *Reading) end() error {
	var one [1]byte
	n, err := r.file.Next(one[:])
	if err != nil {
		return err
	}
	after, err := r.file.Stat()
	if err != nil {
		return err
	}
	if n > 0 || after != r.before {
		return ErrChanged
	}
	return io.EOF
}

// Close ends a reading, whether it came to the end or not. It may be called twice.
func (r *Reading) Close() {
	if !r.closed {
		r.closed = true
		r.file.Close()
	}
}

// Settle gives the file its digest, once all of it was read.
func (r *Reading) Settle() (string, error) {
	at, ok := r.scanned.later.at[r.n]
	if !ok || r.left > 0 {
		return "", fmt.Errorf("settle %s: it was not read to its end", r.scanned.Files[r.n].Path)
	}
	h := hashed{stat: r.before}
	r.sum.Sum(h.digest[:0])
	r.scanned.later.all[at] = h
	delete(r.scanned.later.at, r.n)
	f := &r.scanned.Files[r.n]
	f.SHA256, f.Executable = hex.EncodeToString(h.digest[:]), h.stat.Mode&0o100 != 0
	return f.SHA256, nil
}

// Remember keeps the digests of the files that were read later, for the next scan.
func (s *Scanned) Remember() {
	if s.later.indexes == "" || s.later.begun == 0 {
		return
	}
	next, err := index.Create(s.later.indexes, s.Root)
	if err != nil {
		return // it only costs time
	}
	next.Since(s.Root, s.later.begun)
	c := collector{w: s.later.walker, files: s.later.files}
	c.writeIndex(next, s.later.all)
}
