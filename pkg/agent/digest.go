package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"

	"fngen.dev/fngen/compiler/source"
)

// digestOf reads a tree on disk.
func digestOf(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	m, buffer := source.Manifest{}, make([]byte, 64<<10)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := fileOf(root, name, buffer)
		m.Files = append(m.Files, f)
		return err
	})
	m.Sort()
	return m.Digest(), err
}

func fileOf(root *os.Root, name string, buffer []byte) (source.File, error) {
	in, err := root.Open(name)
	if err != nil {
		return source.File{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return source.File{}, err
	}
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{in}, buffer)
	return source.File{
		Path: name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Executable: info.Mode()&0o100 != 0,
	}, err
}
