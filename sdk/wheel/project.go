// Package wheel makes the wheels of the distribution "fngen" of PyPI: one for each
// platform, which holds the SDK and the program, and one without the program for every
// other platform.
//
// Two builds of the same sources by the same Go are the same bytes: files are sorted,
// have one time and one mode, and the program is built without its paths.
package wheel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Project is what sdk/python/pyproject.toml says of the distribution.
type Project struct {
	root string

	Name           string   `toml:"name"`
	Version        string   `toml:"version"`
	Description    string   `toml:"description"`
	Readme         string   `toml:"readme"`
	RequiresPython string   `toml:"requires-python"`
	License        string   `toml:"license"`
	Classifiers    []string `toml:"classifiers"`
	Dependencies   []string `toml:"dependencies"`
}

// Read reads it in a checkout.
func Read(root string) (*Project, error) {
	var file struct {
		Project Project `toml:"project"`
	}
	data, err := os.ReadFile(filepath.Join(root, "sdk", "python", "pyproject.toml"))
	if err == nil {
		err = toml.Unmarshal(data, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("read pyproject.toml: %w", err)
	}
	p := &file.Project
	p.root = root
	if len(p.Dependencies) > 0 {
		// They would be in each person's layer, and disturb what it asks for.
		return nil, fmt.Errorf("read pyproject.toml: %s must have no dependencies, and has %q", p.Name, p.Dependencies)
	}
	return p, nil
}

// metadata is the file METADATA, core metadata 2.4.
func (p *Project) metadata() ([]byte, error) {
	readme, err := os.ReadFile(filepath.Join(p.root, "sdk", "python", p.Readme))
	if err != nil {
		return nil, fmt.Errorf("read description: %w", err)
	}
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, value) }
	line("Metadata-Version", "2.4")
	line("Name", p.Name)
	line("Version", p.Version)
	line("Summary", p.Description)
	line("License-Expression", p.License)
	line("License-File", "LICENSE")
	for _, c := range p.Classifiers {
		line("Classifier", c)
	}
	line("Requires-Python", p.RequiresPython)
	line("Description-Content-Type", "text/markdown")
	b.WriteString("\n")
	b.Write(readme)
	return []byte(b.String()), nil
}
