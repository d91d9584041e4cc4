package prepare

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxSchema bounds the schema of one function, maxSchemaWindow what is kept in memory
	// to read it: a project's own code has made it.
	maxSchema       = 4 << 20
	maxSchemaWindow = 8 << 20
)

// ReadSchema reads the schema of one function, a file of that name, from what the job has
// stored; nil when it has none.
func ReadSchema(r io.Reader, name string) ([]byte, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxSchemaWindow), zstd.WithDecoderMaxWindow(maxSchemaWindow))
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	defer z.Close()
	t := tar.NewReader(io.LimitReader(z, 100*maxSchema))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read schemas: %w", err)
		}
		if h.Name != name || h.Typeflag != tar.TypeReg {
			continue
		}
		if h.Size > maxSchema {
			return nil, fmt.Errorf("read schemas: that of %s has %d bytes", name, h.Size)
		}
		return io.ReadAll(t)
	}
}
