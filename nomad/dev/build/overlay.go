//go:build linux

package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// overlay writes what -overlay reads, and returns its path. It downloads the modules
// that it is about.
func (b *one) overlay(ctx context.Context, work string) (string, error) {
	replace := map[string]string{}
	for _, module := range b.LeftOut {
		cmd := b.command(ctx, work, "go", "mod", "download", "-json", module)
		out, err := cmd.Output()
		var at struct{ Dir string }
		if err == nil {
			err = json.Unmarshal(out, &at)
		}
		if err != nil {
			return "", fmt.Errorf("download %s: %w\n%s", module, err, stderrOf(err))
		}
		files, err := overlayFiles(b.pin.Overlay, []string{module})
		if err != nil {
			return "", err
		}
		for _, file := range files {
			below := strings.TrimPrefix(file, filepath.Join(b.pin.Overlay, filepath.FromSlash(module)))
			replace[filepath.Join(at.Dir, below)] = file
		}
	}
	path := filepath.Join(work, "overlay.json")
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	return path, nil
}
