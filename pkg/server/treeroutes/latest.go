package treeroutes

import (
	"errors"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/store"
)

// Latest sends the manifest of the tree that the project was last given, as
// the base for the next.
func (t *Routes) Latest(w http.ResponseWriter, r *http.Request) {
	_, p, err := t.People.Target(r)
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	m, err := t.Rows.LatestTree(r.Context(), p.ID)
	if errors.Is(err, store.ErrNotFound) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var text []byte
	if err == nil {
		text, err = delta.Encode(source.Manifest{}, m)
	}
	if err != nil {
		t.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", api.ManifestContentType)
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err == nil {
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	}
	t.Finish(r, err)
}
