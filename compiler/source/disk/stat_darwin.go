package disk

import (
	"io/fs"
	"syscall"

	"fngen.dev/fngen/compiler/source/index"
)

func statOf(info fs.FileInfo) index.Stat {
	st := index.Stat{Size: info.Size(), Mtime: info.ModTime().UnixNano(), Mode: uint32(info.Mode())}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		st.Ctime, st.Inode = sys.Ctimespec.Nano(), sys.Ino
	}
	return st
}
