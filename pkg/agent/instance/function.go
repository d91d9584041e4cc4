package instance

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"

	"fngen.dev/fngen/pkg/agent/cache"
)

// maxDisk is the largest disk, in GB.
const maxDisk = 1_000_000

// Function is one function of a release, on one server.
type Function struct {
	cache.Target
	Name, power, file, Release, Server string
	// Static is the key of the static files that it serves, or empty.
	Static string
	// env is the version of the project's variables, empty for none, and envFile where
	// they are.
	env, EnvFile string
	// disk is the size of its server's disk, in GB of 10^9 bytes, or 0.
	disk int64
}

func (fn *Function) Flags(f *flag.FlagSet) {
	fn.Target.Flags(f)
	f.StringVar(&fn.Name, "function", "", "the `name` of the function")
	f.StringVar(&fn.power, "power", "", "the `kind` of the function")
	f.StringVar(&fn.file, "file", "", "the `path` in the tree of the function's file")
	f.StringVar(&fn.Release, "release", "", "the release's `number`")
	f.StringVar(&fn.Server, "server", "", "the `name` of the server definition")
	f.StringVar(&fn.env, "env", "", "the `version` of the project's variables")
	f.StringVar(&fn.EnvFile, "env-file", "/secrets/variables.json", "the `file` of the project's variables")
	f.Int64Var(&fn.disk, "disk", 0, "the `GB` that the function may have on the disk of its server")
}

func (fn *Function) Check() error {
	if err := fn.Target.Check(); err != nil {
		return err
	}
	switch {
	case fn.Name == "":
		return errors.New("--function is missing")
	case fn.disk < 0 || fn.disk > maxDisk:
		return fmt.Errorf("--disk %d is not between 0 and %d", fn.disk, maxDisk)
	case !fs.ValidPath(fn.file) || fn.file == ".":
		return fmt.Errorf("--file %q is not a path in the tree", fn.file)
	}
	return nil
}
