package prepare

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/installed"
)

// layerWindow is what agents pack layers with (pkg/agent/archive/pack.go), and more.
const layerWindow = 8 << 20

// ReadInstalled reads the list of modules that a build wrote into its layer as one of the
// first files. A layer of an older platform has none, and may have anything.
func ReadInstalled(packed io.Reader) (installed.Modules, error) {
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(layerWindow))
	if err != nil {
		return installed.Modules{}, fmt.Errorf("open layer: %w", err)
	}
	defer z.Close()
	for t := tar.NewReader(io.LimitReader(z, 2*installed.MaxBytes)); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF), err == nil && h.Name > installed.File:
			return installed.Modules{Open: true}, nil // of an older platform
		case err != nil:
			return installed.Modules{}, fmt.Errorf("read layer: %w", err)
		case h.Name != installed.File:
			continue
		}
		data, err := io.ReadAll(io.LimitReader(t, installed.MaxBytes+1))
		if err != nil {
			return installed.Modules{}, fmt.Errorf("read layer: %w", err)
		}
		return installed.Parse(data)
	}
}
