// Package treetest makes trees of files, and the streams in which they are sent.
package treetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// DigestOf is the SHA-256 of a text.
func DigestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// New makes a tree of files in memory.
func New(files map[string]string) source.Tree {
	tree := source.Tree{}
	mem := fstest.MapFS{}
	for path, text := range files {
		mem[path] = &fstest.MapFile{Data: []byte(text)}
		tree.Files = append(tree.Files, source.File{Path: path, Size: int64(len(text)), SHA256: DigestOf(text)})
	}
	tree.FS = mem
	tree.Sort()
	return tree
}

// Noise does not compress.
func Noise(seed byte, size int) string {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(out)
	return string(out)
}

// Window is the largest that the platform takes.
const Window = 1 << 20

// Stream writes a tree stream from what it is told, true or not.
type Stream struct{ bytes.Buffer }

// NewStream begins one with the list of the files.
func NewStream(t *testing.T, m source.Manifest) *Stream {
	t.Helper()
	text, err := delta.Encode(source.Manifest{}, m)
	if err != nil {
		t.Fatal(err)
	}
	s := new(Stream)
	s.Write(binary.AppendUvarint(nil, uint64(len(text))))
	s.Write(text)
	return s
}

// Content adds the content of the file that is so many behind the last.
func (s *Stream) Content(step uint64, text string) *Stream {
	s.Write(binary.AppendUvarint(nil, step))
	s.WriteString(text)
	return s
}

// End is the whole stream, compressed.
func (s *Stream) End() []byte {
	s.WriteByte(0)
	return s.Packed()
}

// Packed is what there is of the stream, compressed.
func (s *Stream) Packed() []byte {
	z, err := zstd.NewWriter(nil, zstd.WithWindowSize(Window))
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(s.Bytes(), nil)
}
