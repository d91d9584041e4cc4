// Package source finds the files that ship: it walks a tree by the ignore rules
// and gives each file its digest.
package source

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// File is one file of a tree.
type File struct {
	// Path is relative to the root, with slashes.
	Path string `json:"path"`
	// Executable is the only permission that travels: 0755 instead of 0644.
	Executable bool  `json:"executable,omitempty"`
	Size       int64 `json:"size"`
	// SHA256 is the content's digest in lower-case hex.
	SHA256 string `json:"sha256"`
}

// Manifest lists the files of a tree, sorted by path in byte order.
type Manifest struct {
	Files []File `json:"files"`
}

// Digest identifies the tree: "sha256:" and the hex SHA-256 of the canonical
// text, one line a file: mode, size, content digest, path, each line ended by
// NUL because a path may hold anything else.
func (m Manifest) Digest() string {
	h := sha256.New()
	var line []byte
	for _, f := range m.Files {
		mode := "644 "
		if f.Executable {
			mode = "755 "
		}
		line = strconv.AppendInt(append(line[:0], mode...), f.Size, 10)
		line = append(append(append(append(line, ' '), f.SHA256...), ' '), f.Path...)
		h.Write(append(line, 0))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Sort puts the files in canonical order.
func (m Manifest) Sort() {
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Size is the sum of the files' sizes in bytes.
func (m Manifest) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Tree is a manifest and a way to read its files: a directory on a person's
// machine, or blobs in the control plane. The compiler reads both alike.
type Tree struct {
	Manifest
	// FS opens the files of the manifest by their paths.
	FS fs.FS
}
