package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// BlobsContentType is the body of an upload: a zstd stream of blobs, each a
// header of fixed width and then its bytes:
//
//	<64 lower-case hex digits: SHA-256> <space> <16 hex digits: size> <newline> <size bytes>
//
// The stream ends after a blob. A broken connection cannot look like its end,
// because zstd marks its own.
const BlobsContentType = "application/vnd.fngen.blobs+zstd"

const (
	digestWidth = 64
	sizeWidth   = 16
	headerWidth = digestWidth + 1 + sizeWidth + 1
)

var (
	// ErrBlobStream is a stream that does not have the form above.
	ErrBlobStream = errors.New("malformed blob stream")
	// ErrBlobTooLarge is a blob, or a stream, over the limits.
	ErrBlobTooLarge = errors.New("too large")
)

// BlobWriter writes a stream of blobs, before compression.
type BlobWriter struct{ w io.Writer }

// NewBlobWriter writes to w.
func NewBlobWriter(w io.Writer) *BlobWriter { return &BlobWriter{w} }

// Write adds a blob of exactly size bytes from r.
func (w *BlobWriter) Write(sha256 string, size int64, r io.Reader) error {
	if !isDigest([]byte(sha256)) || size < 0 {
		return fmt.Errorf("write blob %q of %d bytes: %w", sha256, size, ErrBlobStream)
	}
	if _, err := fmt.Fprintf(w.w, "%s %016x\n", sha256, size); err != nil {
		return err
	}
	_, err := io.CopyN(w.w, r, size)
	return err
}

// BlobReader reads a stream of blobs, after decompression. It checks the form
// and the limits, not the contents: who keeps them does.
type BlobReader struct {
	r     io.Reader
	blob  io.LimitedReader
	blobs int
	bytes int64
}

// NewBlobReader reads from r.
func NewBlobReader(r io.Reader) *BlobReader { return &BlobReader{r: r} }

// Next skips what is left of the current blob and returns the next one, whose
// content is valid until Next is called again. The end is io.EOF.
func (r *BlobReader) Next() (sha256 string, size int64, content io.Reader, err error) {
	if err := r.skip(); err != nil {
		return "", 0, nil, err
	}
	var header [headerWidth]byte
	if _, err := io.ReadFull(r.r, header[:]); err != nil {
		return "", 0, nil, err
	}
	if sha256, size, err = parseHeader(header[:]); err != nil {
		return "", 0, nil, err
	}
	if size > MaxFileBytes {
		return "", 0, nil, fmt.Errorf("blob %s has %d bytes, more than %d: %w", sha256, size, int64(MaxFileBytes), ErrBlobTooLarge)
	}
	r.blobs++
	r.bytes += size
	if r.blobs > MaxFiles || r.bytes > MaxTreeBytes {
		return "", 0, nil, fmt.Errorf("blob stream has more than %d blobs or %d bytes: %w", MaxFiles, int64(MaxTreeBytes), ErrBlobTooLarge)
	}
	r.blob = io.LimitedReader{R: r.r, N: size}
	return sha256, size, &r.blob, nil
}

func (r *BlobReader) skip() error {
	if r.blob.N == 0 {
		return nil
	}
	if _, err := io.Copy(io.Discard, &r.blob); err != nil {
		return err
	}
	if r.blob.N > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func parseHeader(h []byte) (sha256 string, size int64, err error) {
	digest, number := h[:digestWidth], h[digestWidth+1:headerWidth-1]
	if !isDigest(digest) || h[digestWidth] != ' ' || h[headerWidth-1] != '\n' || !isHex(number) {
		return "", 0, fmt.Errorf("blob header %q: %w", h, ErrBlobStream)
	}
	if size, err = strconv.ParseInt(string(number), 16, 64); err != nil {
		return "", 0, fmt.Errorf("blob size %q: %w", number, ErrBlobStream)
	}
	return string(digest), size, nil
}

// isDigest reports whether b is a SHA-256 in lower-case hex.
func isDigest(b []byte) bool { return hex.DecodedLen(len(b)) == digestWidth/2 && isHex(b) }

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
