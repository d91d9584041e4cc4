//go:build unix

package blob

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func freeOf(f *os.File) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
