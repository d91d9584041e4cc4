package treeroutes

import (
	"bufio"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/peer"
)

// Bounds of an upload while it streams. The ratio is generous, since a file of
// zeros is an honest file; the absolute bounds are in pkg/api.
const (
	maxWindow  = 1 << 20
	freeBytes  = 128 << 20
	maxRatio   = 1000
	readBuffer = 64 << 10
)

// intake is the body of an upload, decompressed within bounds.
type intake struct {
	plain *plainReader
	z     *zstd.Decoder
}

// newIntake takes a body in that makes at most so many bytes.
func (t *Routes) newIntake(w http.ResponseWriter, r *http.Request, size int64) (*intake, error) {
	wire := peer.NewBody(w, r, t.Pace, size+freeBytes)
	z, err := zstd.NewReader(bufio.NewReaderSize(wire, readBuffer), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(api.MaxTreeBytes+freeBytes))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	return &intake{plain: &plainReader{r: z, wire: wire}, z: z}, nil
}

func (i *intake) close() { i.z.Close() }

// plainReader is the decompressed side.
type plainReader struct {
	r    io.Reader
	wire *peer.Body
	n    int64
	mark int64 // n when it last moved
}

func (b *plainReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > freeBytes+maxRatio*b.wire.Received() {
		return 0, fmt.Errorf("the upload grows more than %d-fold when decompressed: %w", maxRatio, api.ErrTooLarge)
	}
	if b.n-b.mark >= b.wire.Pace().Plain {
		b.mark = b.n
		b.wire.Moved()
	}
	return n, peer.Blame(err)
}
