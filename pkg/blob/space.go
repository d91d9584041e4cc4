package blob

import (
	"errors"
	"fmt"
	"io/fs"
)

// Usage is how many bytes a scope takes on the disk, what has not arrived whole
// included.
func (d *Dir) Usage(scope string) (int64, error) {
	if err := validScope(scope); err != nil {
		return 0, err
	}
	var total int64
	for _, dir := range []string{scope, scope + "/" + packDir, scope + "/" + partDir} {
		entries, err := fs.ReadDir(d.root.FS(), dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("measure scope %s: %w", scope, err)
		}
		for _, e := range entries {
			// One that is gone meanwhile takes nothing.
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
		}
	}
	return total, nil
}

// Free is how many bytes the disk has left.
func (d *Dir) Free() (int64, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	defer f.Close()
	return freeOf(f)
}
