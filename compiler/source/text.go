package source

import (
	"io"
	"io/fs"
)

// maxText is more than any file may have that is read as a whole.
const maxText = 16 << 20

// ReadText reads a file that should be text. A tree holds larger ones, and nobody
// may make the control plane carry them: of one that is over all limits it
// returns only so much that this can be seen.
func ReadText(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxText+1))
}
