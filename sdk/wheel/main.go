// Command wheel makes the distribution "fngen" of PyPI: one wheel for each
// platform, which holds the SDK and the program, and one without the program for
// every other platform.
//
// Two builds of the same sources by the same Go are the same bytes: files are sorted,
// have one time and one mode, and the program is built without its paths.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "dist", "directory for the wheels")
	root := flag.String("root", ".", "the checkout")
	only := flag.String("only", "", "make only this one: os/arch as Go has them, or any")
	flag.Parse()
	if err := makeWheels(context.Background(), *root, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// makeWheels makes the wheels and prints the SHA-256 and the name of each.
func makeWheels(ctx context.Context, root, out, only string) error {
	p, err := readProject(root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make output directory: %w", err)
	}
	made := 0
	for _, t := range targets {
		if only != "" && only != t.name() {
			continue
		}
		name, data, err := p.wheel(ctx, t)
		if err != nil {
			return fmt.Errorf("make wheel for %s: %w", t.name(), err)
		}
		if err := os.WriteFile(filepath.Join(out, name), data, 0o644); err != nil {
			return fmt.Errorf("write wheel: %w", err)
		}
		fmt.Printf("%x  %s\n", sha256.Sum256(data), name)
		made++
	}
	if made == 0 {
		var names []string
		for _, t := range targets {
			names = append(names, t.name())
		}
		return fmt.Errorf("no platform %q: there are %s", only, strings.Join(names, ", "))
	}
	return nil
}
