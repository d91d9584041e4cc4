package build

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"fngen.dev/fngen/pkg/api"
)

// sourcesFile says within a layer which commits its packages were built from.
const sourcesFile = ".sources.json"

// save writes the commits into the layer. A file that the project wrote would not
// be ours.
func (w *wanted) save(dir string, gid int) error {
	path := filepath.Join(dir, sourcesFile)
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if w == nil || len(w.Git) == 0 {
		return nil
	}
	text, err := json.Marshal(w.sources())
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o640); err != nil || gid < 0 {
		return err
	}
	return os.Lchown(path, 0, gid)
}

// savedSources are the commits of a layer as a header tells them to the control
// plane.
func savedSources(layer *os.Root) (http.Header, error) {
	text, err := layer.ReadFile(sourcesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return http.Header{api.SourcesHeader: {string(text)}}, err
}
