package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fngen.dev/fngen/pkg/agent/environ"
)

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// buildSettings are the platform's own, which only root reads.
func buildSettings(node string) (environ.Vars, error) {
	path := filepath.Join(node, "etc", "build.env")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read build settings: %w", err)
	}
	settings, err := parseSettings(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return settings, nil
}

// parseSettings reads KEY=value lines; empty ones and those that begin with #
// are skipped. Values are taken as they are and never shown.
func parseSettings(text string) (environ.Vars, error) {
	var out environ.Vars
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !settingName.MatchString(name) {
			return nil, fmt.Errorf("line %d is not KEY=value", i+1)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("line %d holds a NUL", i+1)
		}
		out = out.With(name, value)
	}
	return out, nil
}
