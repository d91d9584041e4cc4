package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"

	"fngen.dev/fngen/compiler/source"
)

// memory knows the digests of files that need not be read.
type memory interface {
	Known(name string, info fs.FileInfo) (sha256 string, ok bool)
	Learn(name string, info fs.FileInfo, sha256 string)
}

// ManifestOf reads a tree on disk, but for what a memory, which may be nil, knows.
func ManifestOf(dir string, remembered memory) (source.Manifest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return source.Manifest{}, err
	}
	defer root.Close()
	m, buffer := source.Manifest{}, make([]byte, 64<<10)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := fileOf(root, name, buffer, remembered)
		m.Files = append(m.Files, f)
		return err
	})
	m.Sort()
	return m, err
}

func fileOf(root *os.Root, name string, buffer []byte, remembered memory) (source.File, error) {
	in, err := root.Open(name)
	if err != nil {
		return source.File{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return source.File{}, err
	}
	f := source.File{Path: name, Size: info.Size(), Executable: info.Mode()&0o100 != 0}
	if remembered != nil {
		if digest, ok := remembered.Known(name, info); ok {
			f.SHA256 = digest
			return f, nil
		}
	}
	sum := sha256.New()
	if f.Size, err = io.CopyBuffer(sum, struct{ io.Reader }{in}, buffer); err != nil {
		return f, err
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if remembered != nil {
		remembered.Learn(name, info, f.SHA256)
	}
	return f, nil
}
