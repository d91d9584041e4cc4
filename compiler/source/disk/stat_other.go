//go:build !linux && !darwin

package disk

import (
	"io/fs"

	"fngen.dev/fngen/compiler/source/index"
)

// statOf leaves the ctime out where the system has none: no digest is remembered
// there, since a change could not be told for certain.
func statOf(info fs.FileInfo) index.Stat {
	return index.Stat{Size: info.Size(), Mtime: info.ModTime().UnixNano(), Mode: uint32(info.Mode())}
}
