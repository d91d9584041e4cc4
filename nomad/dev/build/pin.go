package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"fngen.dev/fngen/nomad/dev/layout"
)

// Pin is what a tool's go.mod asks for.
type Pin struct {
	// Package is the main package, Version that of its module.
	Package string
	Version string
	// Dir holds go.mod and go.sum.
	Dir string
	// Overlay holds files that stand in for others.
	Overlay string
	// Digest of go.mod, the tags, what the linker sets and those files: they change a
	// build as versions do.
	Digest string
}

// ReadPin reads the pin of one tool.
func ReadPin(l layout.Layout, t Tool) (Pin, error) {
	path := filepath.Join(l.Tool(t.Name), "go.mod")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Pin{}, fmt.Errorf("read pin of %s: %w", t.Name, err)
	}
	pin, err := parsePin(path, raw)
	if err != nil {
		return Pin{}, err
	}
	pin.Dir, pin.Overlay = filepath.Dir(path), l.Tool("overlay")
	return pin.digest(raw, t)
}

// digest sets the digest of the pin.
func (p Pin) digest(mod []byte, t Tool) (Pin, error) {
	files, err := overlayFiles(p.Overlay, t.LeftOut)
	if err != nil {
		return Pin{}, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", mod, t.Tags)
	if t.VersionVar != "" { // where there is none, what was built stays good
		fmt.Fprintf(h, "%q\n", t.VersionVar)
	}
	for _, file := range files { // sorted: WalkDir walks that way
		raw, err := os.ReadFile(file)
		if err != nil {
			return Pin{}, fmt.Errorf("read overlay: %w", err)
		}
		fmt.Fprintf(h, "%q\n", raw)
	}
	p.Digest = hex.EncodeToString(h.Sum(nil))
	return p, nil
}

func parsePin(path string, raw []byte) (Pin, error) {
	mod, err := modfile.Parse(path, raw, nil)
	if err != nil {
		return Pin{}, fmt.Errorf("read pin: %w", err)
	}
	if len(mod.Tool) != 1 {
		return Pin{}, fmt.Errorf("read pin: %s has %d tool lines, want one", path, len(mod.Tool))
	}
	pin := Pin{Package: mod.Tool[0].Path}
	longest := ""
	for _, r := range mod.Require {
		p := r.Mod.Path
		if (pin.Package == p || strings.HasPrefix(pin.Package, p+"/")) && len(p) > len(longest) {
			longest, pin.Version = p, r.Mod.Version
		}
	}
	if pin.Version == "" {
		return Pin{}, fmt.Errorf("read pin: %s requires no module of %s", path, pin.Package)
	}
	return pin, nil
}

// overlayFiles lists the files that stand in for some of the tool's modules, by
// their paths below dir: nomad/dev/tools/overlay says why.
func overlayFiles(dir string, modules []string) ([]string, error) {
	var files []string
	for _, module := range modules {
		err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(module)), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list what stands in for %s: %w", module, err)
		}
	}
	return files, nil
}
