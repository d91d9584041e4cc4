package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
)

// Bounds of an upload while it streams. The ratio is generous, since a file of
// zeros is an honest file; the absolute bounds are in pkg/api.
const (
	maxWindow  = 1 << 20
	freeBytes  = 128 << 20
	maxRatio   = 1000
	silence    = time.Minute
	readBuffer = 64 << 10
)

// intake is the body of an upload, decompressed within bounds.
type intake struct {
	plain *plainReader
	z     *zstd.Decoder
}

// newIntake takes a body in that makes at most so many bytes.
func newIntake(w http.ResponseWriter, r *http.Request, size int64) (*intake, error) {
	wire := &wireReader{r: http.MaxBytesReader(w, r.Body, size+freeBytes), rc: http.NewResponseController(w)}
	z, err := zstd.NewReader(bufio.NewReaderSize(wire, readBuffer), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(api.MaxTreeBytes+freeBytes))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	return &intake{plain: &plainReader{r: z, wire: wire}, z: z}, nil
}

func (i *intake) close() { i.z.Close() }

// wireReader counts what arrives and allows no long silence.
type wireReader struct {
	r  io.Reader
	rc *http.ResponseController
	n  int64
}

func (b *wireReader) Read(p []byte) (int, error) {
	if err := b.rc.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, fmt.Errorf("set read deadline: %w", err)
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, blame(err)
}

// blame tells an error of the body from one of our disk.
func blame(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, errBody) {
		return err
	}
	return fmt.Errorf("%w: %w", errBody, err)
}

// plainReader is the decompressed side.
type plainReader struct {
	r    io.Reader
	wire *wireReader
	n    int64
}

func (b *plainReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > freeBytes+maxRatio*b.wire.n {
		return 0, fmt.Errorf("the upload grows more than %d-fold when decompressed: %w", maxRatio, api.ErrTooLarge)
	}
	return n, blame(err)
}
