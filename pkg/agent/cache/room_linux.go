package cache

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// spareBytes stay free on a node's disk when a tree is fetched: for logs, for what
// code writes, and for all else that runs there.
const spareBytes = 256 << 20

// makeRoom removes entries that no agent holds, those unused for longest first,
// until as many bytes are free as the control plane said the next one has. What
// it did not say is not checked.
func (c *Cache) makeRoom(k kind, bytes string) error {
	need, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return nil
	}
	for keep := keeps[k] - 1; ; keep-- {
		free, err := c.free()
		if err != nil {
			return err
		}
		if free >= need+spareBytes {
			return nil
		}
		if keep < 0 {
			return fmt.Errorf("the server's disk is full: %d MB are free, and the tree takes %d MB; "+
				"list in .fnignore what the code does not need, or take a larger server", free/1e6, need/1e6)
		}
		c.Prune(k, keep)
	}
}

// keeps is how many entries of a kind stay where there is room.
var keeps = map[kind]int{trees: keepTrees, Layers: KeepLayers, statics: keepStatics}

func (c *Cache) free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(c.Dir, &st); err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}
