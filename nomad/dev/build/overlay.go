//go:build linux

package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// overlay replaces the modules of which parts are left out by copies in the
// workspace: -overlay of the go command refuses files of downloaded modules.
func (b *one) overlay(ctx context.Context, work string) error {
	for _, module := range b.LeftOut {
		out, err := b.command(ctx, work, "go", "mod", "download", "-json", module).Output()
		var at struct{ Dir string }
		if err == nil {
			err = json.Unmarshal(out, &at)
		}
		if err != nil {
			return fmt.Errorf("download %s: %w\n%s", module, err, stderrOf(err))
		}
		dir := filepath.Join(work, "modules", filepath.FromSlash(module))
		if err := os.CopyFS(dir, os.DirFS(at.Dir)); err != nil {
			return fmt.Errorf("copy %s: %w", module, err)
		}
		files, err := overlayFiles(b.pin.Overlay, []string{module})
		if err != nil {
			return err
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("read overlay: %w", err)
			}
			below, err := filepath.Rel(b.pin.Overlay, file)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(work, "modules", below), raw, 0o644); err != nil {
				return fmt.Errorf("write overlay: %w", err)
			}
		}
		edit := b.command(ctx, work, "go", "mod", "edit", "-replace="+module+"="+dir)
		if out, err := edit.CombinedOutput(); err != nil {
			return fmt.Errorf("replace %s: %w\n%s", module, err, out)
		}
	}
	return nil
}
