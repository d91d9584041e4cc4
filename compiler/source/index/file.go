package index

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// maxSize is far more than the largest tree needs.
const maxSize = 64 << 20

// fileOf is where the index of a tree is kept.
func fileOf(dir, root string) string {
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(dir, hex.EncodeToString(sum[:16]))
}

// Open reads the index of the tree at root, an absolute path, from a directory of
// indexes. It is empty when there is none that can be used.
func Open(dir, root string) *Index {
	f, err := os.Open(fileOf(dir, root))
	if err != nil {
		return &Index{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSize {
		return &Index{}
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return &Index{}
	}
	x := decode(data, root)
	if x.begun > info.ModTime().UnixNano() {
		return &Index{} // from the future: the clock was set back since
	}
	return x
}

// Writer writes the next index.
type Writer struct {
	file  *os.File
	final string
	begun int64
	data  []byte
	last  string
	count uint32
}

// Create begins an index. It must be called before the files are read: what
// changes after this moment is not believed to be unchanged.
func Create(dir, root string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of indexes: %w", err)
	}
	f, err := os.CreateTemp(dir, "*.tmp") // its mode is 0600
	if err != nil {
		return nil, fmt.Errorf("create index: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("create index: %w", err)
	}
	// The disk's own time: the system's clock is finer than that of files.
	begun := info.ModTime().UnixNano()
	return &Writer{file: f, final: fileOf(dir, root), begun: begun, data: header(root, begun)}, nil
}

// Begun is the moment from which on changes are not missed.
func (w *Writer) Begun() int64 { return w.begun }

// Since makes the index one that was begun at an earlier moment: of files that
// were read before Create. Nothing may have been added yet.
func (w *Writer) Since(root string, begun int64) {
	w.begun = min(w.begun, begun)
	w.data = header(root, w.begun)
}

// Add takes a file that was read when it was as st says. Paths come in ascending
// order.
func (w *Writer) Add(path string, st Stat, digest Digest) {
	shared := 0
	for shared < min(len(path), len(w.last)) && path[shared] == w.last[shared] {
		shared++
	}
	w.data = binary.AppendUvarint(w.data, uint64(shared))
	w.data = binary.AppendUvarint(w.data, uint64(len(path)-shared))
	w.data = append(w.data, path[shared:]...)
	w.data = binary.AppendUvarint(w.data, uint64(st.Size))
	w.data = binary.LittleEndian.AppendUint64(w.data, uint64(st.Mtime))
	w.data = binary.LittleEndian.AppendUint64(w.data, uint64(st.Ctime))
	w.data = binary.AppendUvarint(w.data, st.Inode)
	w.data = binary.AppendUvarint(w.data, uint64(st.Mode))
	w.data = append(w.data, digest[:]...)
	w.last = path
	w.count++
}

// Commit puts the index in the place of the one before, at once or not at all.
func (w *Writer) Commit() error {
	_, err := w.file.Write(w.encoded())
	if closed := w.file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.final)
	}
	if err != nil {
		os.Remove(w.file.Name())
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func (w *Writer) encoded() []byte {
	binary.LittleEndian.PutUint32(w.data[headerSize-4:], w.count)
	w.data = binary.LittleEndian.AppendUint32(w.data, crc32.Checksum(w.data, table))
	return w.data
}

// Abort forgets what was begun.
func (w *Writer) Abort() {
	w.file.Close()
	os.Remove(w.file.Name())
}
