package agent

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
)

// maxDisk is the largest disk, in GB.
const maxDisk = 1_000_000

// function is one function of a release, on one server.
type function struct {
	target
	name, power, file, release, server string
	// static is the key of the static files that it serves, or empty.
	static string
	// env is the version of the project's variables, empty for none, and envFile where
	// they are.
	env, envFile string
	// disk is the size of its server's disk, in GB of 10^9 bytes, or 0.
	disk int64
}

func (fn *function) flags(f *flag.FlagSet) {
	fn.target.flags(f)
	f.StringVar(&fn.name, "function", "", "the `name` of the function")
	f.StringVar(&fn.power, "power", "", "the `kind` of the function")
	f.StringVar(&fn.file, "file", "", "the `path` in the tree of the function's file")
	f.StringVar(&fn.release, "release", "", "the release's `number`")
	f.StringVar(&fn.server, "server", "", "the `name` of the server definition")
	f.StringVar(&fn.env, "env", "", "the `version` of the project's variables")
	f.StringVar(&fn.envFile, "env-file", "/secrets/variables.json", "the `file` of the project's variables")
	f.Int64Var(&fn.disk, "disk", 0, "the `GB` that the function may have on the disk of its server")
}

func (fn *function) check() error {
	if err := fn.target.check(); err != nil {
		return err
	}
	switch {
	case fn.name == "":
		return errors.New("--function is missing")
	case fn.disk < 0 || fn.disk > maxDisk:
		return fmt.Errorf("--disk %d is not between 0 and %d", fn.disk, maxDisk)
	case !fs.ValidPath(fn.file) || fn.file == ".":
		return fmt.Errorf("--file %q is not a path in the tree", fn.file)
	}
	return nil
}
