// Command release makes all files of a release of the CLI and the SDK, the same bytes on
// any machine with the same Go: programs, wheels, packages of Debian and RPM, what is in
// each program, the notes, and the sums of all of them. It needs no network once the
// modules are there. Nothing is signed or uploaded; docs/releasing.md tells who does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"fngen.dev/fngen/sdk/wheel"
)

func main() {
	var o options
	flag.StringVar(&o.version, "version", "", "the version to be released; without it only wheels are made")
	flag.StringVar(&o.out, "out", "dist", "directory for the files")
	flag.StringVar(&o.root, "root", ".", "the checkout")
	flag.StringVar(&o.only, "only", "", "only for this platform: os/arch as Go has them, or any")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type options struct{ version, out, root, only string }

func run(ctx context.Context, o options) error {
	p, err := wheel.Read(o.root)
	if err != nil {
		return err
	}
	targets, err := o.targets()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make output directory: %w", err)
	}
	r := &release{options: o, project: p}
	if o.version == "" {
		return r.wheels(ctx, targets)
	}
	return r.all(ctx, targets)
}

// targets are the platforms that are wanted.
func (o options) targets() ([]wheel.Target, error) {
	var out []wheel.Target
	var names []string
	for _, t := range wheel.Targets {
		names = append(names, t.Name())
		if o.only == "" || o.only == t.Name() {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no platform %q: there are %s", o.only, strings.Join(names, ", "))
	}
	return out, nil
}
