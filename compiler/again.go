package compiler

import (
	"context"
	"io/fs"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/source"
)

// readAgain reads those files a second time whose decorators or constants are
// imported from other files of the tree, in place of the first reading. They
// are few, and there are none in a tree where each file imports its Powers from
// fngen itself.
func readAgain(ctx context.Context, fsys fs.FS, files []string, modules []*discover.Module, entry string) {
	exported := false
	for _, m := range modules {
		exported = exported || m != nil && m.Exports
	}
	if !exported {
		return // nothing of fngen's is named anywhere
	}
	read := func(file string) ([]byte, error) { return source.ReadText(fsys, file) }
	known := discover.NewModules(files, read)
	for i, m := range modules {
		if m == nil || entry != "" && m.File != entry || !known.Concerns(m) || ctx.Err() != nil {
			continue
		}
		if src, err := read(m.File); err == nil {
			modules[i] = known.Again(m.File, src)
		}
	}
}
