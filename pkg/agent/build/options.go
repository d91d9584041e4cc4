package build

import (
	"errors"
	"io"
	"io/fs"
	"strings"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
)

// Options is one layer to build.
type Options struct {
	cache.Target
	files, provided []string
	// copyTree: packages are built from the tree, so that all of it is wanted.
	copyTree, requireHashes bool
}

func Parse(args []string, usage io.Writer) (*Options, error) {
	o := &Options{}
	f := console.NewFlags("build", usage)
	o.Flags(f)
	f.Func("file", "the `path` in the tree of a requirements file; may be given again", func(s string) error {
		// A leading dash would be an option of uv, or its standard input.
		if !fs.ValidPath(s) || s == "." || strings.HasPrefix(s, "-") {
			return errors.New("not a path in the tree")
		}
		o.files = append(o.files, s)
		return nil
	})
	f.Func("provided", "a `requirement` that the platform adds; may be given again", func(s string) error {
		if s == "" || strings.HasPrefix(s, "-") {
			return errors.New("not a requirement")
		}
		o.provided = append(o.provided, s)
		return nil
	})
	f.BoolVar(&o.copyTree, "copy-tree", false, "build from the whole tree, also from its large files")
	f.BoolVar(&o.requireHashes, "require-hashes", false, "refuse a package that the files give no hash of")
	if err := console.Parse(f, args); err != nil {
		return nil, err
	}
	if o.Layer == "" {
		return nil, errors.New("--layer is missing")
	}
	return o, o.Check()
}
